/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "config.h"
#include "core/fault.h"
#include "core/log.h"
#include "core/panic.h"
#include "smbd/conn.h"
#include "smbd/control.h"
#include "smbd/grant.h"
#include "smbd/listen.h"
#include "smbd/reload.h"
#include "smbd/setup.h"
#include "vfs/guard.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

/* The daemon's frame: command line, folders, privileges, threads; then it waits for signals and control requests. */

struct options {
	bool foreground;
	const char *conf_path;
	struct listen_ports ports;
	const char *log_level;
};

static void usage(FILE *out)
{
	fputs("usage: daxsmbd [-F] [-s FILE] [-p PORT] [-r PORT] [-d LEVEL] [-V]\n"
	      "  -F         stay in the foreground\n"
	      "  -s FILE    configuration file\n"
	      "  -p PORT    listen on this port instead of `smb ports`, and for SMB Direct only with -r\n"
	      "  -r PORT    listen for SMB Direct on this port instead of `rdma port`\n"
	      "  -d LEVEL   log level, as smb.conf's `log level`\n"
	      "  -V         print the version\n",
		out);
}

static unsigned port_option(int option)
{
	unsigned long port = strtoul(optarg, NULL, 10);

	if (port < 1 || port > 65535) {
		fprintf(stderr, "daxsmbd: -%c: a port from 1 to 65535 was expected, not %s\n", option, optarg);
		exit(2);
	}
	return (unsigned)port;
}

static struct options read_options(int argc, char **argv)
{
	struct options o = {.conf_path = conf_default_path()};
	int c;

	while ((c = getopt(argc, argv, "Fs:p:r:d:Vh")) != -1) {
		switch (c) {
		case 'F':
			o.foreground = true;
			break;
		case 's':
			o.conf_path = optarg;
			break;
		case 'p':
			o.ports.smb = port_option(c);
			break;
		case 'r':
			o.ports.rdma = port_option(c);
			break;
		case 'd':
			o.log_level = optarg;
			break;
		case 'V':
			puts("daxsmbd " DAXSMBD_VERSION);
			exit(0);
		default:
			usage(c == 'h' ? stdout : stderr);
			exit(c == 'h' ? 0 : 2);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "daxsmbd: %s: no argument was expected\n", argv[optind]);
		usage(stderr);
		exit(2);
	}
	return o;
}

/* Prints what was found in the file; false if the daemon must not start with it. */
static bool report_messages(const struct conf *conf)
{
	static const char *const words[] = {"note", "warning", "error"};
	const struct conf_message *m;
	size_t n = conf_messages(conf, &m);

	for (size_t i = 0; i < n; i++)
		if (m[i].severity != CONF_NOTE)
			fprintf(stderr, "%s:%u: %s: %s%s%s\n", m[i].file, m[i].line, words[m[i].severity],
				m[i].parameter ? m[i].parameter : "", m[i].parameter && *m[i].parameter ? ": " : "",
				m[i].text);
	return !conf_has_errors(conf);
}

static int make_folder(const char *path, mode_t mode)
{
	char *copy = strdup(path);
	int rc = 0;

	if (!copy)
		return -ENOMEM;
	for (char *p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, 0755) < 0 && errno != EEXIST)
			rc = -errno;
		*p = '/';
	}
	if (mkdir(copy, mode) < 0 && errno != EEXIST)
		rc = -errno;
	else
		rc = 0;
	free(copy);
	return rc;
}

static bool make_folders(const struct conf_section *g)
{
	static const struct {
		enum conf_param p;
		mode_t mode;
	} folders[] = {{P_PRIVATE_DIR, 0700}, {P_STATE_DIRECTORY, 0755}, {P_PID_DIRECTORY, 0755}};

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		int rc = make_folder(conf_str(g, folders[i].p), folders[i].mode);
		if (rc < 0) {
			fprintf(stderr, "daxsmbd: %s: %s\n", conf_str(g, folders[i].p), strerror(-rc));
			return false;
		}
	}
	return true;
}

/* The pid file, locked for the life of the process. */
static int lock_pid_file(const struct conf_section *g, char **path)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	*path = talloc_asprintf(NULL, "%s/daxsmbd.pid", conf_str(g, P_PID_DIRECTORY));
	int fd = open(*path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 || ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) != n) {
		int rc = errno == EWOULDBLOCK ? -EBUSY : -errno;
		close(fd);
		return rc;
	}
	return fd;
}

static bool open_log(const struct options *o, const struct conf *conf)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	const char *why = reload_log(mem, conf, o->log_level);

	if (why)
		fprintf(stderr, "daxsmbd: %s\n", why);
	talloc_free(mem);
	return !why;
}

/* The daemon leaves the folder that it was started in, and reads the file again later. NULL: there is no such folder. */
static const char *absolute(TALLOC_CTX *mem, const char *path)
{
	char *folder = *path == '/' ? NULL : get_current_dir_name();
	char *out = folder ? talloc_asprintf(mem, "%s/%s", folder, path) : NULL;

	free(folder);
	return *path == '/' ? path : out;
}

static void raise_limits(const struct server *s)
{
	rlim_t want = (rlim_t)s->max_opens + s->max_connections + 1024;
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return;
	struct rlimit most = {want, want};
	if (r.rlim_max < want && setrlimit(RLIMIT_NOFILE, &most) == 0)
		return;
	r.rlim_cur = r.rlim_max < want ? r.rlim_max : want;
	if (setrlimit(RLIMIT_NOFILE, &r) < 0 || r.rlim_cur < want)
		log_info(core, "the system limits open files to %llu; the configuration could use %llu",
			(unsigned long long)r.rlim_cur, (unsigned long long)want);
}

/* What acting as other users, on their files and guarding these needs (vfs/guard.h); all else is given up for good. */
static bool drop_privileges(void)
{
	static const unsigned keep[] = {CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_FSETID, CAP_LEASE,
		CAP_SETGID, CAP_SETUID, CAP_SYS_PTRACE};
	bool had[ARRAY_SIZE(keep)];

	for (size_t i = 0; i < ARRAY_SIZE(keep); i++)
		had[i] = capng_have_capability(CAPNG_PERMITTED, keep[i]);
	capng_clear(CAPNG_SELECT_BOTH);
	for (size_t i = 0; i < ARRAY_SIZE(keep); i++)
		if (had[i])
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET, keep[i]);
	/* Without CAP_SETPCAP, in a container, the bounding set has to stay. */
	if (capng_apply(CAPNG_SELECT_BOTH) < 0 && capng_apply(CAPNG_SELECT_CAPS) < 0)
		return false;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

static void warn_of_open_folder(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & 077))
		log_warning(core, "private dir %s is open to others than its owner (mode %04o)", path, st.st_mode & 07777);
}

static void say_who_i_am(const struct server *s)
{
	struct passwd *pw = getpwuid(geteuid());

	if (s->privileged)
		return;
	fprintf(stderr, "daxsmbd: not started as root: whoever logs on acts as %s (uid %u)\n", pw ? pw->pw_name : "?",
		(unsigned)geteuid());
	log_warning(core, "unprivileged: all users act as uid %u", (unsigned)geteuid());
}

/* ---- running ---- */

static unsigned online_cores(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n > 0 ? (unsigned)n : 1;
}

static bool start_threads(struct server *s)
{
	const struct conf_section *g = conf_global(s->conf);
	unsigned reactors = (unsigned)conf_int(g, P_REACTORS), workers = (unsigned)conf_int(g, P_WORKERS);

	panic_install();
	if (fault_install() < 0)
		return false;
	s->workers = workers_start(s, workers ? workers : online_cores() * 2 + 2);
	if (!s->workers)
		return false;
	s->reactors = reactors_start(s, reactors ? reactors : online_cores(), local_start, local_stop, s);
	if (s->reactors)
		return true;
	workers_stop(s->workers);
	workers_free(s->workers);
	return false;
}

static void drain_local(struct local *l, void *arg)
{
	uint32_t cursor = 0;
	struct conn *c;

	if (reactor_index(l->reactor) == 0)
		listen_stop(l->server);
	grants_end_local(l, NULL, GRANT_CAUSE_SHUTDOWN);
	while ((c = idtable_next(l->conns, &cursor)))
		conn_drain(c);
}

static void close_local(struct local *l, void *arg)
{
	uint32_t cursor = 0;
	struct conn *c;

	while ((c = idtable_next(l->conns, &cursor)))
		conn_close(c, "the server stops");
}

/*
 * Direct access ends first, so that nothing changes unseen. Requests under way get their time, unless a second signal comes; then
 * everything ends, jobs before the reactors that they come home to. What comes home may ask for another job: the pool's memory
 * goes last.
 */
static void stop(struct server *s, int signal_fd)
{
	struct pollfd p[] = {{.fd = s->stop_fd, .events = POLLIN}, {.fd = signal_fd, .events = POLLIN}};
	uint64_t count;

	sd_notify(0, "STOPPING=1");
	if (read(s->stop_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		log_error(core, "eventfd: %s", strerror(errno));
	atomic_store(&s->draining, true);
	server_each_local(s, drain_local, NULL);
	if (atomic_load(&s->stats.connections))
		poll(p, ARRAY_SIZE(p), (int)s->shutdown_timeout * 1000);
	server_each_local(s, close_local, NULL);
	workers_stop(s->workers);
	vfs_guards_stop();
	reactors_stop(s->reactors);
	workers_free(s->workers);
}

static void read_again(struct server *s)
{
	TALLOC_CTX *mem = talloc_new(NULL);
	const char *no_log;

	reload(mem, s, &no_log);
	talloc_free(mem);
}

static void wait_for_the_end(struct server *s, int signal_fd, int control_fd)
{
	struct pollfd p[] = {
		{.fd = signal_fd, .events = POLLIN},
		{.fd = control_fd, .events = POLLIN},
		{.fd = s->stop_fd, .events = POLLIN},
	};

	while (!p[2].revents) {
		if (poll(p, ARRAY_SIZE(p), -1) < 0 && errno != EINTR)
			return;
		struct signalfd_siginfo si;
		if (p[0].revents && read(signal_fd, &si, sizeof(si)) == sizeof(si)) {
			if (si.ssi_signo != SIGHUP)
				return;
			read_again(s);
		}
		if (p[1].revents)
			control_serve(s, control_fd);
	}
}

static int block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* Large buffers are pooled by us; the allocator need not give them back and forth. */
static void tune_allocator(void)
{
	mallopt(M_ARENA_MAX, 4);
	mallopt(M_TRIM_THRESHOLD, 1 << 20);
}

/*
 * In the background the first process stays until the daemon is ready or has failed, so that whoever started it knows.
 * The write end of a pipe, or -1.
 */
static int go_to_background(void)
{
	int fds[2];
	char ready = 0;

	if (pipe2(fds, O_CLOEXEC) < 0)
		exit(1);
	pid_t pid = fork();
	if (pid < 0)
		exit(1);
	if (pid > 0) {
		close(fds[1]);
		exit(read(fds[0], &ready, 1) == 1 ? 0 : 1);
	}
	close(fds[0]);
	setsid();
	if (chdir("/") < 0)
		exit(1);
	return fds[1];
}

static void announce(const struct server *s, int parent_fd)
{
	printf("daxsmbd: ready on %s\n", listen_describe(s->listener));
	fflush(stdout);
	sd_notifyf(0, "READY=1\nSTATUS=serving on %s", listen_describe(s->listener));
	log_info(core, "ready on %s", listen_describe(s->listener));
	if (parent_fd < 0)
		return;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	if (*conf_str(conf_global(s->conf), P_LOG_FILE)) /* else the log goes there */
		dup2(null, STDERR_FILENO);
	if (write(parent_fd, "r", 1) < 0)
		log_error(core, "the starting process is gone");
	close(parent_fd);
}

static int run(const struct options *o, const struct conf *conf, int parent_fd)
{
	const char *error;
	char *pid_path = NULL, *control_path = NULL;
	int status = 1, signal_fd = block_signals();
	int pid_fd = lock_pid_file(conf_global(conf), &pid_path);

	if (pid_fd < 0) {
		fprintf(stderr, "daxsmbd: %s: %s\n", pid_path, pid_fd == -EBUSY ? "another daemon holds it" : strerror(-pid_fd));
		return 1;
	}
	struct server *s = server_new(NULL, conf, o->conf_path, &error);
	if (!s) {
		fprintf(stderr, "daxsmbd: %s\n", error);
		goto out_pid;
	}
	s->log_level = o->log_level;
	raise_limits(s);
	int rc = listen_open(s, s, &o->ports, &s->listener);
	int control_fd = rc < 0 ? -1 : control_open(s, s, &control_path);
	if (rc < 0 || control_fd < 0) {
		fprintf(stderr, "daxsmbd: %s: %s\n", rc < 0 ? "no address to listen on" : control_path,
			strerror(rc < 0 ? -rc : -control_fd));
		goto out_server;
	}
	vfs_guard_prepare();
	if (s->privileged && !drop_privileges()) {
		fprintf(stderr, "daxsmbd: root's capabilities could not be given up\n");
		goto out_control;
	}
	say_who_i_am(s);
	warn_of_open_folder(conf_str(conf_global(conf), P_PRIVATE_DIR));
	if (!start_threads(s)) {
		fprintf(stderr, "daxsmbd: threads could not be started\n");
		goto out_control;
	}
	listen_start(s->listener);
	announce(s, parent_fd);
	wait_for_the_end(s, signal_fd, control_fd);
	stop(s, signal_fd);
	log_info(core, "stopped");
	status = 0;
out_control:
	unlink(control_path);
	close(control_fd);
out_server:
	talloc_free(s);
out_pid:
	unlink(pid_path);
	close(pid_fd);
	talloc_free(pid_path);
	return status;
}

int main(int argc, char **argv)
{
	struct options o = read_options(argc, argv);
	const char *error = NULL;
	struct conf *conf = conf_load(NULL, o.conf_path, &error);

	if (!conf) {
		fprintf(stderr, "daxsmbd: %s: %s\n", o.conf_path, error);
		return 1;
	}
	o.conf_path = absolute(conf, o.conf_path);
	if (!o.conf_path || !report_messages(conf) || !make_folders(conf_global(conf)) || !open_log(&o, conf))
		return 1;
	tune_allocator();
	umask(0);
	int parent_fd = o.foreground ? -1 : go_to_background();
	int status = run(&o, conf, parent_fd);
	talloc_free(conf);
	return status;
}
