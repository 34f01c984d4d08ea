// GitHub runs what comes after a job only of actions in JavaScript. Everything
// else is in Go.
const { spawnSync } = require('node:child_process');
const path = require('node:path');

// run a command of the action, with the environment in the runner's folder.
exports.run = (command) => {
  const dir = path.join(process.env.RUNNER_TEMP || process.cwd(), 'observe-k8s');
  const env = { ...process.env, OBSERVE_K8S_DIR: dir };
  // Files are named as the workflow sees them, and Go runs in this folder.
  for (const name of ['INPUT_CLAIM', 'INPUT_KUBECONFIG']) {
    if (env[name]) env[name] = path.resolve(env[name]);
    else delete env[name];
  }
  const { status, error } = spawnSync('go', ['run', '.', command], { cwd: __dirname, env, stdio: 'inherit' });
  if (error) console.error(`cannot run go: ${error.message}`);
  process.exitCode = status ?? 1;
};
