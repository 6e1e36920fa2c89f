// A service in C, linked statically. It has no handler: it blocks its signals and fetches them with sigwait(3).
#include <signal.h>
#include <stdio.h>

int main(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigprocmask(SIG_BLOCK, &set, NULL);
  setvbuf(stdout, NULL, _IOLBF, 0);
  puts("ready");
  int number;
  sigwait(&set, &number);
  printf("terminating (%d)\n", number);
  return 0;
}
