// Makes every flush to disk take as long as SLOWFLUSH_US says, in microseconds, or as long as it really takes if that is longer.
// Preloaded into PostgreSQL, which then behaves as on a disk with that flush time: a commit waits for its flush, and commits that
// come meanwhile share the next one. Nothing is faked: the real flush happens first.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

typedef int (*flush)(int);

static long long now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int slowly(flush real, int fd) {
	const char *wanted = getenv("SLOWFLUSH_US");
	long long until = now() + (wanted ? atoll(wanted) : 0) * 1000;
	int result = real(fd);
	// Sleeping is rounded up by this much; the default is 50 microseconds.
	prctl(PR_SET_TIMERSLACK, 1000UL, 0, 0, 0);
	struct timespec end = {until / 1000000000LL, until % 1000000000LL};
	while (now() < until)
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL);
	return result;
}

int fsync(int fd) {
	static flush real;
	if (!real)
		real = (flush)dlsym(RTLD_NEXT, "fsync");
	return slowly(real, fd);
}

int fdatasync(int fd) {
	static flush real;
	if (!real)
		real = (flush)dlsym(RTLD_NEXT, "fdatasync");
	return slowly(real, fd);
}
