require('./run.cjs').run('up');
