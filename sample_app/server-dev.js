'use strict';

// The development flavour: says so, then runs the same server.
console.log('Development server');
require('./server.js');
