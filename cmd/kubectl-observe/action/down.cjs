require('./run.cjs').run('down');
