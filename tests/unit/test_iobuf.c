/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "dax_rig.h"

#include "smbd/iobuf.h"

#include <sys/mman.h>
#include <sys/socket.h>

/* Replies whose data is a mapping that faults while they are sent. */

enum { SIZE = 3 * PAGE };

/* The second page of the window faults from now on, as after a cut; the file itself is left alone. */
static void let_a_page_fault(const struct vfs_window *w)
{
	int empty = memfd_create("empty", MFD_CLOEXEC);

	assert_true(empty >= 0);
	assert_ptr_equal(mmap(w->base + PAGE, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, empty, 0), w->base + PAGE);
	close(empty);
}

/* What the peer gets of a reply with 4 bytes of header and the window. */
static int send_window(const struct vfs_window *w, uint8_t *out)
{
	struct iobuf_pool *pool = iobuf_pool_new(NULL);
	struct list queue;
	struct iobuf *b = iobuf_get(pool, 4);
	size_t sent = 0;
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	list_init(&queue);
	memcpy(b->data, "head", 4);
	b->len = 4;
	b->window = *w;
	b->piece_len = w->len;
	list_append(&queue, &b->link);
	int rc = iobuf_send(pool, &queue, fd[0], &sent);
	if (rc == 1) {
		assert_int_equal(sent, 4 + w->len);
		assert_int_equal(recv(fd[1], out, sent, MSG_WAITALL), sent);
	} else {
		list_remove(&b->link);
		iobuf_put(pool, b);
	}
	close(fd[0]);
	close(fd[1]);
	talloc_free(pool);
	return rc;
}

static void a_file_that_was_cut_and_has_grown_again_is_sent(void **state)
{
	struct vfs_file *f = mapped_file("a", 'a', SIZE);
	struct vfs_window w = window_of(f, 0, SIZE, VFS_READ);
	uint8_t out[4 + SIZE];

	CATCH_FAULTS();
	let_a_page_fault(&w);
	assert_int_equal(send_window(&w, out), 1);
	assert_memory_equal(out, "head", 4);
	assert_true(all_are(out + 4, 'a', SIZE));
	vfs_file_unref(f);
}

static void zeros_are_sent_for_what_was_cut(void **state)
{
	struct vfs_file *f = mapped_file("a", 'a', SIZE);
	struct vfs_window w = window_of(f, 0, SIZE, VFS_READ);
	uint8_t out[4 + SIZE];

	CATCH_FAULTS();
	assert_int_equal(truncate(local("a"), PAGE), 0);
	assert_int_equal(send_window(&w, out), 1);
	assert_true(all_are(out + 4, 'a', PAGE));
	assert_true(all_are(out + 4 + PAGE, 0, 2 * PAGE));
	vfs_file_unref(f);
}

static void a_read_after_a_fault_gives_what_the_file_has(void **state)
{
	struct vfs_file *f = mapped_file("a", 'a', SIZE);
	struct vfs_window w = window_of(f, 0, SIZE, VFS_READ);

	CATCH_FAULTS();
	let_a_page_fault(&w);
	assert_true(file_holds(f, 0, 'a', SIZE));
	vfs_window_close(&w);
	vfs_file_unref(f);
}

static int run(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_file_that_was_cut_and_has_grown_again_is_sent),
		CASE(zeros_are_sent_for_what_was_cut),
		CASE(a_read_after_a_fault_gives_what_the_file_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	return run_in_folders(run);
}
