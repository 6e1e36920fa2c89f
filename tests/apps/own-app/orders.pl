# The same in Perl, which buffers its output to a pipe as Python does.
use strict;
$SIG{TERM} = sub { print "stopping on SIGTERM\n"; exit 0 };
print "ready\n";
sleep 60 while 1;
