/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "dax_rig.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

/* What a mapped share offers, who may open what, what open files of one inode share, and faults. */

/* What the folder really is, asked in another way than the share asks. */
static void look_at_folder(bool *dax, bool *sync, bool *disk)
{
	int fd = open(local("look"), O_RDWR | O_CREAT, 0600);
	struct statx x;
	struct statfs fs;

	assert_true(fd >= 0);
	assert_int_equal(statx(fd, "", AT_EMPTY_PATH, 0, &x), 0);
	assert_int_equal(fstatfs(fd, &fs), 0);
	void *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | MAP_SYNC, fd, 0);
	*dax = x.stx_attributes & STATX_ATTR_DAX;
	*sync = p != MAP_FAILED;
	*disk = fs.f_type != TMPFS_MAGIC && fs.f_type != OVERLAYFS_SUPER_MAGIC;
	if (p != MAP_FAILED)
		munmap(p, PAGE);
	close(fd);
	unlink(local("look"));
}

static void a_share_tells_what_its_root_offers(void **state)
{
	struct vfs_share_options o = usual;
	struct vfs_share *s;
	bool dax, sync, disk;

	look_at_folder(&dax, &sync, &disk);
	assert_int_equal(vfs_share_durability(share), VFS_VISIBLE); /* strict sync is off */
	for (int m = VFS_MAPPED_AUTO; m <= VFS_MAPPED_YES; m++) {
		o.strict_sync = true;
		o.mapped = (enum vfs_mapped)m;
		bool map = m == VFS_MAPPED_YES || (m == VFS_MAPPED_AUTO && dax);
		enum vfs_durability want = sync && map ? VFS_PERSISTENT : disk ? VFS_FLUSHED : VFS_VISIBLE;
		for (int least = VFS_DURABILITY_AUTO; least <= VFS_PERSISTENT; least++) {
			o.min_durability = (enum vfs_durability)least;
			int rc = vfs_share_open(root, &o, &s);
			assert_int_equal(rc, least <= (int)want ? 0 : -EOPNOTSUPP);
			if (rc < 0)
				continue;
			assert_int_equal(vfs_share_durability(s), want);
			assert_int_equal(vfs_share_is_mapped(s), map);
			assert_int_equal(vfs_share_is_memory_speed(s), dax || !disk);
			vfs_share_unref(s);
		}
	}
	print_message("%s: dax %d, MAP_SYNC %d, disk %d\n", folder, dax, sync, disk);
}

static void memory_shares_offer_visibility_only(void **state)
{
	struct vfs_share_options o = usual;
	struct vfs_share *s;

	o.strict_sync = true;
	o.min_durability = VFS_FLUSHED;
	assert_int_equal(vfs_share_open_memory(&o, &s), -EOPNOTSUPP);
	o.min_durability = VFS_VISIBLE;
	assert_int_equal(vfs_share_open_memory(&o, &s), 0);
	assert_int_equal(vfs_share_durability(s), VFS_VISIBLE);
	assert_false(vfs_share_is_mapped(s));
	vfs_share_unref(s);
	assert_string_equal(vfs_durability_name(VFS_PERSISTENT), "persistent");
	assert_string_equal(vfs_durability_name(VFS_DURABILITY_AUTO), "auto");
}

static void the_probe_leaves_nothing_behind(void **state)
{
	struct vfs_file *dir = opened("", VFS_READ);

	assert_string_equal(listing(dir, "*", true), ".|..|");
	vfs_file_unref(dir);
}

static void other_backends_have_no_windows(void **state)
{
	struct vfs_share_options o = usual;
	struct vfs_share *mapped = share;
	struct vfs_window w;

	o.mapped = VFS_MAPPED_NO;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(i ? vfs_share_open_memory(&o, &share) : vfs_share_open(root, &o, &share), 0);
		struct vfs_file *f = new_file("a");
		assert_int_equal(put(f, "a", 1, 0), 1);
		assert_int_equal(vfs_window_open(f, 0, 1, VFS_READ, &w), -EOPNOTSUPP);
		assert_null(dax_inode_of(f));
		vfs_file_unref(f);
		vfs_share_unref(share);
	}
	share = mapped;
}

/* How many descriptors of this process are the file's, those of kind O_PATH apart. */
static unsigned descriptors_of(const char *path)
{
	struct stat want, st;
	struct dirent *e;
	unsigned count = 0;
	DIR *d = opendir("/proc/self/fd");

	assert_int_equal(stat(local(path), &want), 0);
	while ((e = readdir(d))) {
		int fd = atoi(e->d_name), flags = fcntl(fd, F_GETFL);
		if (flags >= 0 && !(flags & O_PATH) && fstat(fd, &st) == 0)
			count += st.st_ino == want.st_ino && st.st_dev == want.st_dev;
	}
	closedir(d);
	return count;
}

/* How many mappings this process has of files beneath the share's root. */
static unsigned mappings(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[1024];
	unsigned count = 0;

	while (fgets(line, sizeof(line), f))
		count += strstr(line, root) != NULL;
	fclose(f);
	return count;
}

static void an_inode_has_one_mapping_and_none_when_it_is_closed(void **state)
{
	struct vfs_file *f = mapped_file("a", 'a', PAGE), *g = opened("a", VFS_READ | VFS_WRITE);
	struct vfs_window w = window_of(g, 0, PAGE, VFS_WRITE);
	char *more = calloc(1, 4 * MIB);

	vfs_window_close(&w);
	assert_int_equal(mappings(), 1);
	assert_int_equal(put(g, more, 4 * MIB, PAGE), 4 * MIB);
	w = window_of(f, 0, 4 * MIB, VFS_READ);
	assert_int_equal(mappings(), 1);
	vfs_file_unref(f);
	vfs_file_unref(g);
	assert_int_equal(mappings(), 1);
	vfs_window_close(&w);
	assert_int_equal(mappings(), 0);
	assert_int_equal(descriptors_of("a"), 0);
	/* of little reading and writing comes no mapping */
	f = opened("a", VFS_READ);
	assert_int_equal(get(f, more, 100, 0), 100);
	assert_int_equal(mappings(), 0);
	assert_int_equal(get(f, more, 4 * MIB, 0), 4 * MIB);
	assert_int_equal(mappings(), 1);
	free(more);
	vfs_file_unref(f);
}

static void an_inode_has_one_descriptor_however_it_is_opened(void **state)
{
	struct vfs_file *a = new_file("a");
	struct vfs_share *first = share;
	struct vfs_share_options o = usual;

	assert_int_equal(put(a, "data", 4, 0), 4);
	assert_int_equal(vfs_link(a, NULL, "b", false), 0);
	struct vfs_file *reader = opened("A", VFS_READ), *link = opened("b", VFS_READ | VFS_WRITE),
			*nothing = opened("a", VFS_NONE), *late = opened("b", VFS_NONE);
	o.mapped = VFS_MAPPED_YES;
	o.read_only = true;
	assert_int_equal(vfs_share_open(root, &o, &share), 0);
	struct vfs_file *elsewhere = opened("b", VFS_READ);
	assert_int_equal(vfs_reopen(late, NULL, VFS_WRITE, 0), 0);
	assert_int_equal(vfs_flush(nothing, 0), 0);
	assert_int_equal(descriptors_of("a"), 1);
	struct vfs_file *all[] = {a, reader, link, late, elsewhere};
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		assert_ptr_equal(dax_inode_of(all[i]), dax_inode_of(a));
		assert_int_equal(vfs_file_fd(all[i]), all[i] == late ? -1 : dax_inode_fd(dax_inode_of(a)));
	}
	assert_int_equal(vfs_file_fd(nothing), -1);
	assert_int_equal(dax_inode_access(dax_inode_of(a)), VFS_READ | VFS_WRITE);
	/* so that a write lease can be had */
	int rc = fcntl(dax_inode_fd(dax_inode_of(a)), F_SETLEASE, F_WRLCK);
	assert_true(rc == 0 || errno == EINVAL);
	assert_int_equal(fcntl(dax_inode_fd(dax_inode_of(a)), F_SETLEASE, F_UNLCK), rc);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		vfs_file_unref(all[i]);
	assert_int_equal(descriptors_of("a"), 0);
	vfs_file_unref(nothing);
	vfs_share_unref(share);
	share = first;
}

static void *open_and_close(void *arg)
{
	struct vfs_stat st;
	struct vfs_file *f;
	char c;

	for (int i = 0; i < 500; i++) {
		if (open_path("a", VFS_READ | (i % 2 ? VFS_WRITE : 0), &f, &st) != 0)
			return arg;
		bool ok = get(f, &c, 1, 100) == 1 && c == 'a' && (!(i % 2) || put(f, "a", 1, 100) == 1);
		vfs_file_unref(f);
		if (!ok)
			return arg;
	}
	return NULL;
}

static void threads_open_and_close_one_file(void **state)
{
	pthread_t t[4];
	void *failed;

	vfs_file_unref(mapped_file("a", 'a', MIB));
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, open_and_close, share), 0);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		pthread_join(t[i], &failed);
		assert_null(failed);
	}
	assert_int_equal(descriptors_of("a"), 0);
}

static void names_come_and_go_while_the_file_is_open(void **state)
{
	struct vfs_file *f = mapped_file("a", 'a', PAGE), *g, *h;

	assert_int_equal(vfs_rename(f, NULL, "a", "b", false), 0);
	assert_int_equal(put(f, "b", 1, 0), 1);
	g = opened("b", VFS_READ);
	assert_ptr_equal(dax_inode_of(g), dax_inode_of(f));
	/* a new file takes its place: f stays what it is */
	h = mapped_file("new", 'n', PAGE);
	assert_int_equal(rename(local("new"), local("b")), 0);
	vfs_file_unref(g);
	g = opened("b", VFS_READ);
	assert_ptr_not_equal(dax_inode_of(g), dax_inode_of(f));
	assert_ptr_equal(dax_inode_of(g), dax_inode_of(h));
	assert_true(file_holds(g, 0, 'n', PAGE));
	assert_true(file_holds(f, 1, 'a', PAGE - 1));
	assert_int_equal(vfs_unlink(h, NULL, "b"), 0);
	assert_int_equal(exists("b"), -ENOENT);
	assert_int_equal(put(g, "", 0, 0), -EBADF);
	assert_int_equal(put(h, "gone", 4, PAGE), 4);
	assert_int_equal(stat_of(g).size, PAGE + 4);
	assert_int_equal(vfs_flush(h, 0), 0);
	vfs_file_unref(f);
	vfs_file_unref(g);
	vfs_file_unref(h);
}

static void an_executable_file_can_be_run_while_it_is_read(void **state)
{
	static const char program[] = "#!/bin/sh\nexit 7\n";
	struct vfs_file *f = new_file("run"), *reader;
	char out[sizeof(program)];

	assert_int_equal(put(f, program, strlen(program), 0), strlen(program));
	vfs_file_unref(f);
	assert_int_equal(chmod(local("run"), 0755), 0);
	reader = opened("run", VFS_READ);
	assert_int_equal(get(reader, out, sizeof(out), 0), strlen(program));
	assert_int_equal(dax_inode_access(dax_inode_of(reader)), VFS_READ);
	assert_int_equal(WEXITSTATUS(system(local("run"))), 7);
	/* and it is written when somebody writes: the descriptor keeps its number, windows what they show */
	struct vfs_window old = window_of(reader, 0, 10, VFS_READ), new;
	int fd = vfs_file_fd(reader);
	f = opened("run", VFS_READ | VFS_WRITE);
	assert_int_equal(vfs_file_fd(f), fd);
	assert_int_equal(put(f, "#!/bin/no", 9, 0), 9);
	new = window_of(f, 0, 10, VFS_WRITE);
	new.base[9] = 'n';
	assert_memory_equal(old.base, "#!/bin/non", 10);
	assert_int_equal(descriptors_of("run"), 1);
	vfs_window_close(&old);
	vfs_window_close(&new);
	vfs_file_unref(f);
	vfs_file_unref(reader);
}

static void read_only_shares_read_and_do_not_open_for_writing(void **state)
{
	struct vfs_share_options o = usual;
	struct vfs_share *writable = share;
	struct vfs_file *f;
	struct vfs_stat st;

	vfs_file_unref(mapped_file("a", 'a', MIB));
	o.mapped = VFS_MAPPED_YES;
	o.read_only = true;
	assert_int_equal(vfs_share_open(root, &o, &share), 0);
	f = opened("a", VFS_READ);
	assert_true(file_holds(f, 0, 'a', MIB));
	struct vfs_window w = window_of(f, 5, MIB, VFS_READ);
	assert_true(all_are(w.base, 'a', MIB - 5));
	vfs_window_close(&w);
	assert_int_equal(dax_inode_access(dax_inode_of(f)), VFS_READ);
	assert_int_equal(open_path("a", VFS_WRITE, &f, &st), -EACCES);
	assert_int_equal(vfs_reopen(f, NULL, VFS_READ | VFS_WRITE, 0), -EACCES);
	vfs_file_unref(f);
	vfs_share_unref(share);
	share = writable;
}

static int open_as(struct vfs_cred *cred, const char *path, unsigned access)
{
	struct vfs_open_how how = {.path = path, .access = access};
	struct vfs_file *f;
	struct vfs_stat st;
	int rc = vfs_open(share, cred, &how, 0, &f, &st);

	if (rc == 0)
		vfs_file_unref(f);
	return rc;
}

static void a_shared_descriptor_gives_nobody_anothers_rights(void **state)
{
	if (geteuid() != 0)
		skip(); /* only root can act as other users */
	struct vfs_cred *alice = vfs_cred_new(60001, 60001, NULL, 0),
			*bob = vfs_cred_new(60002, 60002, NULL, 0);
	struct vfs_open_how none = {.path = "a"};
	struct vfs_file *f = mapped_file("a", 'a', PAGE), *b;
	struct vfs_stat st;

	assert_int_equal(chown(local("a"), 60001, 60001), 0);
	assert_int_equal(chmod(local("a"), 0600), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(open_as(alice, "a", VFS_READ | VFS_WRITE), 0);
		assert_int_equal(open_as(bob, "a", VFS_READ), -EACCES);
		assert_int_equal(open_as(bob, "a", VFS_WRITE), -EACCES);
		assert_int_equal(vfs_open(share, bob, &none, 0, &b, &st), 0);
		assert_int_equal(vfs_reopen(b, bob, VFS_READ, 0), -EACCES);
		assert_int_equal(vfs_reopen(b, alice, VFS_READ, 0), 0);
		assert_int_equal(vfs_reopen(b, bob, VFS_READ | VFS_WRITE, 0), -EACCES);
		vfs_file_unref(b);
	}
	assert_int_equal(chmod(local("a"), 0644), 0);
	assert_int_equal(open_as(bob, "a", VFS_READ), 0);
	assert_int_equal(open_as(bob, "a", VFS_READ | VFS_WRITE), -EACCES);
	assert_int_equal(chmod(local("a"), 0400), 0);
	assert_int_equal(open_as(alice, "a", VFS_WRITE), -EACCES);
	assert_int_equal(open_as(NULL, "a", VFS_WRITE), 0);
	vfs_file_unref(f);
	vfs_cred_unref(alice);
	vfs_cred_unref(bob);
}

static bool works_for(const char *path, unsigned access, int want)
{
	struct vfs_file *f;
	struct vfs_stat st;
	char c;
	int rc = open_path(path, access, &f, &st);
	bool ok = rc == want;

	if (rc == 0) {
		ok = ok && (!(access & VFS_READ) || get(f, &c, 1, 0) == 1);
		ok = ok && (!(access & VFS_WRITE) || put(f, "x", 1, 0) == 1);
		vfs_file_unref(f);
	}
	return ok;
}

/* Whoever may write a file but does not own it may set its times to now and to nothing else, utimensat(2). */
static bool writes_anothers_file(void)
{
	struct vfs_file *f = opened("other", VFS_READ | VFS_WRITE);
	struct vfs_window w = window_of(f, 0, PAGE, VFS_WRITE);
	uint64_t before = stat_of(f).write_time;
	bool ok = before < nttime_now() - 10000000 && vfs_window_written(&w, 0, 1) == 0 &&
		  stat_of(f).write_time > before && put(f, "x", 1, 0) == 1;

	vfs_window_close(&w);
	vfs_file_unref(f);
	return ok;
}

/* In a child; the number of the step that failed. */
static int use_without_privileges(void)
{
	struct vfs_share_options o = usual;

	if (setgid(60001) < 0 || setuid(60001) < 0)
		return 1;
	o.mapped = VFS_MAPPED_YES;
	o.strict_sync = true;
	enum vfs_durability offered;
	/* where no file can be made there is less to be known, and nothing more is claimed */
	if (vfs_share_open(root, &o, &share) < 0 || (offered = vfs_share_durability(share)) > VFS_FLUSHED)
		return 8;
	vfs_share_unref(share);
	if (vfs_share_open(local("home"), &o, &share) < 0 || vfs_share_durability(share) < offered)
		return 2;
	make_file("f");
	struct vfs_file *f = mapped_file("a", 'a', MIB), *held;
	struct vfs_stat st;
	if (!file_holds(f, 0, 'a', MIB) || put(f, "x", 1, 7) != 1 || vfs_flush(f, 0) < 0)
		return 3;
	vfs_file_unref(f);
	if (chmod(local("home/a"), 0400) < 0 || !works_for("a", VFS_READ, 0) ||
		!works_for("a", VFS_WRITE, -EACCES))
		return 4;
	if (open_path("a", VFS_READ, &held, &st) < 0 || dax_inode_access(dax_inode_of(held)) != VFS_READ)
		return 5;
	if (chmod(local("home/a"), 0600) < 0 || !works_for("a", VFS_READ | VFS_WRITE, 0) ||
		!file_holds(held, 1, 'a', 6))
		return 6;
	vfs_file_unref(held);
	if (chmod(local("home/a"), 0200) < 0 || !works_for("a", VFS_WRITE, 0) ||
		!works_for("a", VFS_READ, -EACCES))
		return 7;
	if (!writes_anothers_file())
		return 9;
	vfs_share_unref(share);
	return 0;
}

static void a_process_without_privileges_has_what_its_user_has(void **state)
{
	int status;

	if (geteuid() != 0)
		skip(); /* then all tests run so */
	assert_int_equal(mkdir(local("home"), 0755), 0);
	assert_int_equal(chown(local("home"), 60001, 60001), 0);
	struct vfs_times past = {.write_time = 130000000000000000ull};
	struct vfs_file *other = mapped_file("home/other", 'o', PAGE);
	assert_int_equal(chmod(local("home/other"), 0666), 0);
	assert_int_equal(vfs_set_times(other, NULL, &past), 0);
	vfs_file_unref(other);
	pid_t pid = fork();
	if (pid == 0)
		_exit(use_without_privileges());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* The other process: empties the file and fills it again, until it is ended. */
enum { VICTIM = 2 * MIB };

static void cut_and_fill(const char *path)
{
	char *data = malloc(VICTIM);
	int fd = open(path, O_RDWR);

	memset(data, 'v', VICTIM);
	while (getppid() != 1) {
		if (ftruncate(fd, 0) < 0 || pwrite(fd, data, VICTIM, 0) < 0)
			_exit(1);
	}
	_exit(0);
}

struct victim {
	struct vfs_file *f;
	atomic_uint read, read_failed, written, write_failed, seen, faulted, wrong;
	atomic_bool stop;
};

static void use_once(struct victim *v, char *buf, unsigned turn)
{
	uint64_t at = turn * 7919u % (VICTIM - MIB);
	struct vfs_window w;
	ssize_t n;

	if (turn % 3 == 0) {
		n = get(v->f, buf, MIB, at);
		(*(n >= 0 ? &v->read : n == -EIO ? &v->read_failed : &v->wrong))++;
	} else if (turn % 3 == 1) {
		memset(buf, 'v', MIB);
		n = put(v->f, buf, MIB, at);
		(*(n == MIB ? &v->written : n == -EIO ? &v->write_failed : &v->wrong))++;
	} else if (vfs_window_open(v->f, at, MIB, VFS_READ, &w) == 0) {
		(*(fault_copy(buf, w.base, w.len) == 0 ? &v->seen : &v->faulted))++;
		vfs_window_close(&w);
	}
}

static void *use_victim(void *arg)
{
	struct victim *v = arg;
	char *buf = malloc(MIB);

	for (unsigned turn = (unsigned)(uintptr_t)buf >> 12; !v->stop; turn++)
		use_once(v, buf, turn);
	free(buf);
	return NULL;
}

static bool all_outcomes(const struct victim *v)
{
	return v->read && v->written && v->write_failed && v->seen && v->faulted;
}

/* At least for a second; longer only where something has not happened yet. */
static void wait_for_outcomes(struct victim *v)
{
	uint64_t begin = nttime_now();

	while (nttime_now() - begin < 10000000 || (!all_outcomes(v) && nttime_now() - begin < 300000000))
		usleep(10000);
}

static void a_file_cut_by_another_process_is_an_io_error_and_not_the_end(void **state)
{
	struct victim v = {.f = mapped_file("victim", 'v', VICTIM)};
	pthread_t t[3];
	int status;

	CATCH_FAULTS();
	const char *path = local("victim");
	pid_t pid = fork();
	if (pid == 0)
		cut_and_fill(path);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		assert_int_equal(pthread_create(&t[i], NULL, use_victim, &v), 0);
	wait_for_outcomes(&v);
	v.stop = true;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		pthread_join(t[i], NULL);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0); /* it was at work all the time */
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	print_message("read %u, failed %u; written %u, failed %u; windows read %u, faulted %u\n", v.read,
		v.read_failed, v.written, v.write_failed, v.seen, v.faulted);
	assert_true(all_outcomes(&v));
	assert_int_equal(v.read_failed, 0); /* what a fault was about is asked of the kernel: it has what there is */
	assert_int_equal(v.wrong, 0);
	/* and the file is usable afterwards */
	assert_int_equal(vfs_truncate(v.f, 0, 0), 0);
	assert_int_equal(put(v.f, "after", 5, 0), 5);
	assert_int_equal(stat_of(v.f).size, 5);
	vfs_file_unref(v.f);
}

static void flushing_reaches_the_medium(void **state)
{
	struct vfs_share_options o = usual;

	close_share(share);
	o.strict_sync = true;
	share = open_share(&o);
	struct vfs_file *f = mapped_file("a", 'a', MIB), *reader = opened("a", VFS_READ);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(put(f, "x", 1, 10), 1);
		assert_int_equal(vfs_flush(f, 0), 0);
		assert_int_equal(put(f, "x", 1, (uint64_t)(MIB + i)), 1);
		assert_int_equal(vfs_flush(reader, 0), 0);
	}
	struct vfs_window w = window_of(f, 0, MIB, VFS_WRITE);
	assert_int_equal(vfs_window_written(&w, 0, MIB), 0);
	assert_int_equal(vfs_window_flush(&w), 0);
	if (vfs_share_durability(share) == VFS_PERSISTENT)
		assert_true(w.map->sync);
	vfs_window_close(&w);
	vfs_file_unref(f);
	vfs_file_unref(reader);
}

static int run_all(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_share_tells_what_its_root_offers),
		CASE(memory_shares_offer_visibility_only),
		CASE(the_probe_leaves_nothing_behind),
		CASE(other_backends_have_no_windows),
		CASE(an_inode_has_one_descriptor_however_it_is_opened),
		CASE(an_inode_has_one_mapping_and_none_when_it_is_closed),
		CASE(threads_open_and_close_one_file),
		CASE(names_come_and_go_while_the_file_is_open),
		CASE(an_executable_file_can_be_run_while_it_is_read),
		CASE(read_only_shares_read_and_do_not_open_for_writing),
		CASE(a_shared_descriptor_gives_nobody_anothers_rights),
		CASE(a_process_without_privileges_has_what_its_user_has),
		CASE(a_file_cut_by_another_process_is_an_io_error_and_not_the_end),
		CASE(flushing_reaches_the_medium),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return run_in_folders(run_all);
}
