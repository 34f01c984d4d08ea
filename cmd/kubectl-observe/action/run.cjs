// GitHub runs what comes after a job only of actions in JavaScript. This finds the
// program kubectl-observe and runs it; everything else is in Go.
const { spawnSync } = require('node:child_process');
const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const releases = 'https://github.com/observe-k8s/observe-k8s/releases/download';
const systems = { linux: 'linux', darwin: 'darwin', win32: 'windows' };
const architectures = { x64: 'amd64', arm64: 'arm64' };

// execute a program and throw if it fails.
const execute = (program, args, options = {}) => {
  const { status, error } = spawnSync(program, args, { stdio: 'inherit', ...options });
  if (error) throw new Error(`cannot run ${program}: ${error.message}`);
  if (status !== 0) throw new Error(`cannot run ${program} ${args[0]}: it ended with status ${status}`);
};

// download a file of the release; nothing if there is none.
const download = async (url) => {
  const response = await fetch(url).catch((e) => { throw new Error(`cannot download ${url}: ${(e.cause ?? e).message}`); });
  if (response.status === 404) return undefined;
  if (!response.ok) throw new Error(`cannot download ${url}: ${response.status} ${response.statusText}`);
  return Buffer.from(await response.arrayBuffer());
};

// install the program of a release and return its path; nothing if there is no
// such release.
const install = async (version, env) => {
  const system = systems[process.platform];
  const architecture = architectures[process.arch];
  const name = system === 'windows' ? 'kubectl-observe.exe' : 'kubectl-observe';
  const folder = path.join(env.RUNNER_TOOL_CACHE || os.tmpdir(), 'kubectl-observe', version, process.arch);
  const program = path.join(folder, name);
  if (fs.existsSync(program)) return program;

  const base = `${env.KUBECTL_OBSERVE_RELEASES || releases}/${version}`;
  const archive = `kubectl-observe_${version}_${system}_${architecture}.${system === 'windows' ? 'zip' : 'tar.gz'}`;
  const checksums = await download(`${base}/checksums.txt`);
  if (!checksums) return undefined;
  const line = checksums.toString().split('\n').find((l) => l.endsWith(`  ${archive}`));
  const content = line && await download(`${base}/${archive}`);
  if (!content) return undefined;
  const digest = crypto.createHash('sha256').update(content).digest('hex');
  if (digest !== line.split(' ')[0]) throw new Error(`cannot trust ${base}/${archive}: its checksum is ${digest}, not ${line.split(' ')[0]}`);

  fs.mkdirSync(path.dirname(folder), { recursive: true });
  const temporary = fs.mkdtempSync(`${folder}-`);
  fs.writeFileSync(path.join(temporary, archive), content);
  execute('tar', ['-xf', archive], { cwd: temporary });
  fs.rmSync(path.join(temporary, archive));
  // Another job on this runner may have been first.
  try { fs.renameSync(temporary, folder); } catch (e) { if (!fs.existsSync(program)) throw e; }
  console.log(`installed kubectl-observe ${version}`);
  return program;
};

// build the program from the checkout of this action, which builds the packages,
// too.
const build = (version, env) => {
  console.log(`there is no release ${version} for ${process.platform}-${process.arch}: building kubectl-observe from source, which needs Go`);
  const program = path.join(env.RUNNER_TEMP || os.tmpdir(), 'kubectl-observe');
  execute('go', ['build', '-o', program, '.'], { cwd: path.join(__dirname, '..') });
  return { program, flags: ['--root', path.join(__dirname, '..', '..', '..')] };
};

// find the program: the one of KUBECTL_OBSERVE, or else the release of this
// action's version, or else what can be built here.
const find = async (env) => {
  if (env.KUBECTL_OBSERVE) return { program: path.resolve(env.KUBECTL_OBSERVE), flags: [] };
  const version = env.GITHUB_ACTION_REF || 'without a version';
  const program = /^v\d+\.\d+\.\d+$/.test(version) ? await install(version, env) : undefined;
  return program ? { program, flags: [] } : build(version, env);
};

// main runs a command of ci, with the environment in the runner's folder.
const main = async (command, env = process.env) => {
  const args = ['ci', command, '--dir', path.join(env.RUNNER_TEMP || process.cwd(), 'observe-k8s')];
  if (command === 'down') {
    // The program that made the environment takes it down.
    if (env.STATE_program) execute(env.STATE_program, args);
    return;
  }
  const { program, flags } = await find(env);
  args.push(...flags);
  if (env.GITHUB_STATE) fs.appendFileSync(env.GITHUB_STATE, `program=${program}\n`);
  for (const input of ['kubeconfig', 'timeout', 'lifetime']) {
    const value = env[`INPUT_${input.toUpperCase()}`];
    if (value) args.push(`--${input}`, value);
  }
  execute(program, [...args, '--', env.INPUT_CLAIM || '']);
};

exports.find = find;
exports.main = main;
exports.run = (command) => main(command).catch((e) => {
  console.error(`error: ${e.message}`);
  process.exitCode = 1;
});
