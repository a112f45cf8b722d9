/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "ctl/ctl.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A process that stands for the daemon: reads one line, answers "got LINE", and ends when told through `go`.
 */
struct fake {
	char folder[64];
	pid_t pid;
	int go;
};

static void serve(int listener, int go)
{
	char line[128], answer[160];
	int fd = accept(listener, NULL, NULL);
	ssize_t n = read(fd, line, sizeof(line) - 1);

	line[n > 0 ? n : 0] = '\0';
	int len = snprintf(answer, sizeof(answer), "got %s", line);
	if (write(fd, answer, (size_t)len) != len)
		_exit(1);
	close(fd);
	if (read(go, line, 1) < 0)
		_exit(1);
	_exit(0);
}

static int start_fake(void **state)
{
	struct fake *f = calloc(1, sizeof(*f));
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int ends[2];

	snprintf(f->folder, sizeof(f->folder), "/tmp/test_ctl.XXXXXX");
	if (!mkdtemp(f->folder) || pipe(ends) < 0)
		return -1;
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/daxsmbd.ctl", f->folder);
	fflush(NULL);
	f->pid = fork();
	if (f->pid == 0) {
		int listener = socket(AF_UNIX, SOCK_STREAM, 0);
		close(ends[1]);
		if (bind(listener, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(listener, 1) < 0 ||
			dup2(ends[0], STDIN_FILENO) < 0)
			_exit(1);
		kill(getpid(), SIGSTOP); /* tells the parent that it listens */
		serve(listener, STDIN_FILENO);
	}
	close(ends[0]);
	f->go = ends[1];
	if (waitpid(f->pid, NULL, WUNTRACED) != f->pid)
		return -1;
	kill(f->pid, SIGCONT);
	*state = f;
	return 0;
}

static int stop_fake(void **state)
{
	struct fake *f = *state;
	char path[128];

	if (f->go >= 0)
		close(f->go);
	kill(f->pid, SIGKILL);
	waitpid(f->pid, NULL, 0);
	snprintf(path, sizeof(path), "%s/daxsmbd.ctl", f->folder);
	unlink(path);
	int r = rmdir(f->folder);
	free(f);
	return r;
}

static void a_request_brings_its_answer(void **state)
{
	struct fake *f = *state;
	struct ctl_daemon d;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(ctl_connect(f->folder, &d), 0);
	assert_int_equal(ctl_request(&d, "status json\n", out), 0);
	fclose(out);
	assert_string_equal(text, "got status json\n");
	free(text);
	ctl_disconnect(&d);
}

static void waiting_ends_when_the_process_is_gone(void **state)
{
	struct fake *f = *state;
	struct ctl_daemon d;
	FILE *out = fopen("/dev/null", "w");

	assert_int_equal(ctl_connect(f->folder, &d), 0);
	assert_int_equal(ctl_request(&d, "stop\n", out), 0);
	fclose(out);
	assert_int_equal(ctl_wait_gone(&d, 0), -ETIMEDOUT);
	close(f->go);
	f->go = -1;
	assert_int_equal(ctl_wait_gone(&d, 60), 0);
	assert_int_equal(waitpid(f->pid, NULL, WNOHANG), f->pid);
	ctl_disconnect(&d);
}

static void without_a_daemon_connecting_says_so(void **state)
{
	struct ctl_daemon d;
	char longer[256];

	assert_int_equal(ctl_connect("/nonexistent", &d), -ENOENT);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(ctl_connect(longer, &d), -ENAMETOOLONG);
}

static bool read_from(const char *text, size_t len, char *buf, size_t size)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], text, len), len);
	close(ends[1]);
	bool ok = ctl_read_line(ends[0], buf, size);
	close(ends[0]);
	return ok;
}

static void a_line_is_read_whole_or_not_at_all(void **state)
{
	char buf[8];

	assert_true(read_from("secret\nmore", 11, buf, sizeof(buf)));
	assert_string_equal(buf, "secret");
	assert_true(read_from("no end", 6, buf, sizeof(buf)));
	assert_string_equal(buf, "no end");
	assert_true(read_from("\n", 1, buf, sizeof(buf)));
	assert_string_equal(buf, "");
	assert_false(read_from("too long", 8, buf, sizeof(buf)));
	assert_false(read_from("", 0, buf, sizeof(buf)));
	assert_false(read_from("a\0b\n", 4, buf, sizeof(buf)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_request_brings_its_answer, start_fake, stop_fake),
		cmocka_unit_test_setup_teardown(waiting_ends_when_the_process_is_gone, start_fake, stop_fake),
		cmocka_unit_test(without_a_daemon_connecting_says_so),
		cmocka_unit_test(a_line_is_read_whole_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
