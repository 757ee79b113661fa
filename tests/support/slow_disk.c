// A disk whose fdatasync hangs, for tests: LD_PRELOAD=slow_disk.so HH_SLOW_DISK=FILE PROGRAM. As long as FILE is there,
// fdatasync does not end; everything else is as it was. A shim, as no ordinary user can make a real disk slow.
#define _GNU_SOURCE  // syscall()
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int fdatasync(int fd) {
  const char* file = getenv("HH_SLOW_DISK");
  const struct timespec pause = {0, 20 * 1000 * 1000};
  while (file != NULL && access(file, F_OK) == 0) nanosleep(&pause, NULL);
  return (int)syscall(SYS_fdatasync, fd);
}
