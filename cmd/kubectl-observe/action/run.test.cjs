const test = require('node:test');
const assert = require('node:assert');
const { execFileSync } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { find, main } = require('./run.cjs');

const version = 'v1.2.3';
const system = { linux: 'linux', darwin: 'darwin' }[process.platform];
const archive = `kubectl-observe_${version}_${system}_${{ x64: 'amd64', arm64: 'arm64' }[process.arch]}.tar.gz`;

// folder of a test, gone with it.
const folder = (t) => {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'action-'));
  t.after(() => fs.rmSync(dir, { recursive: true }));
  return dir;
};

// program that writes its arguments to a file.
const program = (dir, out) => {
  fs.writeFileSync(path.join(dir, 'kubectl-observe'), `#!/bin/sh\nprintf '%s\\n' "$@" >'${out}'\n`, { mode: 0o755 });
  return path.join(dir, 'kubectl-observe');
};

// serve a release, and count what is asked for.
const serve = async (t, digest) => {
  const dir = folder(t);
  const out = path.join(dir, 'arguments');
  program(dir, out);
  execFileSync('tar', ['-czf', archive, 'kubectl-observe'], { cwd: dir });
  const content = fs.readFileSync(path.join(dir, archive));
  const files = {
    [`/${version}/checksums.txt`]: `${digest ?? crypto.createHash('sha256').update(content).digest('hex')}  ${archive}\n`,
    [`/${version}/${archive}`]: content,
  };
  const asked = [];
  const server = http.createServer((request, response) => {
    asked.push(request.url);
    response.statusCode = files[request.url] ? 200 : 404;
    response.end(files[request.url]);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => server.close());
  const env = {
    ...process.env, GITHUB_ACTION_REF: version, RUNNER_TOOL_CACHE: path.join(dir, 'tools'), RUNNER_TEMP: path.join(dir, 'tmp'),
    GITHUB_STATE: path.join(dir, 'state'), KUBECTL_OBSERVE_RELEASES: `http://127.0.0.1:${server.address().port}`,
  };
  delete env.KUBECTL_OBSERVE;
  return { dir, out, asked, env };
};

const read = (file) => fs.readFileSync(file, 'utf8').trim().split('\n');

test('the release of the version of the action is downloaded once, and given the inputs', async (t) => {
  const { dir, out, asked, env } = await serve(t);
  Object.assign(env, { INPUT_CLAIM: 'claim.yaml', INPUT_TIMEOUT: '5m', INPUT_LIFETIME: '', INPUT_KUBECONFIG: 'my config' });
  await main('up', env);
  const environment = path.join(dir, 'tmp', 'observe-k8s');
  assert.deepStrictEqual(read(out), ['ci', 'up', '--dir', environment, '--kubeconfig', 'my config', '--timeout', '5m', '--', 'claim.yaml']);
  await main('up', env);
  assert.deepStrictEqual(asked, [`/${version}/checksums.txt`, `/${version}/${archive}`]);

  // What made the environment takes it down, also when another version is there.
  const [state] = read(env.GITHUB_STATE);
  await main('down', { ...env, GITHUB_ACTION_REF: 'v9.9.9', STATE_program: state.replace('program=', '') });
  assert.deepStrictEqual(read(out), ['ci', 'down', '--dir', environment]);
});

test('a program with another checksum is neither kept nor run', async (t) => {
  const { env, out } = await serve(t, '0'.repeat(64));
  await assert.rejects(main('up', env), /cannot trust .*its checksum is/);
  await assert.rejects(main('up', env), /cannot trust .*its checksum is/);
  assert.ok(!fs.existsSync(out));
  assert.ok(!fs.existsSync(env.RUNNER_TOOL_CACHE));
});

test('KUBECTL_OBSERVE names a program instead', async (t) => {
  const { asked, env } = await serve(t);
  const other = folder(t);
  const out = path.join(other, 'arguments');
  await main('up', { ...env, KUBECTL_OBSERVE: program(other, out), INPUT_CLAIM: 'a.yaml' });
  assert.deepStrictEqual(asked, []);
  assert.strictEqual(read(out).at(-1), 'a.yaml');
});

test('without a release the program is built from source, and that is said', async (t) => {
  const { dir, asked, env } = await serve(t);
  const go = path.join(dir, 'bin');
  fs.mkdirSync(go);
  fs.writeFileSync(path.join(go, 'go'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
  const before = process.env.PATH;
  process.env.PATH = `${go}:${before}`;
  t.after(() => { process.env.PATH = before; });
  const log = t.mock.method(console, 'log', () => {});
  for (const ref of ['v0.0.1', 'main']) {
    const { flags } = await find({ ...env, GITHUB_ACTION_REF: ref });
    assert.deepStrictEqual(flags, ['--root', path.resolve(__dirname, '..', '..', '..')]);
    assert.match(log.mock.calls.at(-1).arguments[0], new RegExp(`no release ${ref} .*needs Go`));
  }
  // Only a version has a release to look for.
  assert.deepStrictEqual(asked, ['/v0.0.1/checksums.txt']);
});

test('a failure of the program fails the job', async (t) => {
  const { env } = await serve(t);
  await assert.rejects(main('up', { ...env, KUBECTL_OBSERVE: '/bin/false' }), /ended with status 1/);
});

test('a job that got no environment has none to take down', async (t) => {
  const { out, env } = await serve(t);
  await main('down', env);
  assert.ok(!fs.existsSync(out));
});
