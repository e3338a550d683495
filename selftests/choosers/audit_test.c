// SPDX-License-Identifier: GPL-2.0-only
/* audit: who did what, and where it went. */
#include "explain.h"
#include "loader.h"
#include "site.h"

FIXTURE_VARIANT_ADD(site, local) { .parts = 0 };

/* Whether TEXT has a line of OP, VERDICT and HOME, by UID, about NAME. */
static bool tells(const char *text, const char *op, const char *verdict, const char *home,
		  unsigned int uid, const char *name)
{
	const char *line = text;

	while ((line = strchr(line, '\n')) && *++line) {
		char op_at[32], verdict_at[32], home_at[8], comm[64], name_at[1024];
		unsigned int mount, uid_at, pid;
		unsigned long long ino;

		if (sscanf(line, "0:%u %31s %31s %7s %llu %u %u %63s %1023s", &mount, op_at,
			   verdict_at, home_at, &ino, &uid_at, &pid, comm, name_at) != 9)
			continue;
		if (!strcmp(op, op_at) && !strcmp(verdict, verdict_at) && !strcmp(home, home_at) &&
		    uid == uid_at && pid == (unsigned int)getpid() && !strcmp(name, name_at) &&
		    mount == minor(stat_of("mnt").st_dev))
			return true;
	}
	return false;
}

#define TELLS(...) EXPECT_TRUE(tells(text, __VA_ARGS__)) TH_LOG("%s", text)

TEST_F(site, what_is_opened_and_changed_is_told)
{
	const char *text;
	pid_t pid;

	DOES(own_bpffs());
	DOES(make_path("hot/d"));
	DOES(make_path("cold/media"));
	DOES(put("cold/media/film", ""));
	DOES(put("hot/d/secret", ""));
	ASSERT_EQ(0, loader("load", object_of("audit"), NULL)) TH_LOG("%s", loader_said);
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "default", "hot", "rule", "path=/media/** -> cold",
				"rule", "op=open name=secret uid=1000 -> deny:EPERM", "rule",
				"op=setattr path=/** exists=hot -> hot", "chooser", "bpf:audit"))
		TH_LOG("%s", mount_log);
	pid = audit_begin("said");
	EXPECT_EQ(0, opens("mnt/media/film", O_RDONLY));
	user_become(SOMEONE);
	EXPECT_EQ(EPERM, opens("mnt/d/secret", O_RDONLY));
	user_return();
	EXPECT_EQ(0, put("mnt/d/a name\n", ""));
	EXPECT_OK(chmod("mnt/d/secret", 0600));
	EXPECT_OK(rename("mnt/d/secret", "mnt/d/moved"));
	EXPECT_OK(unlink("mnt/d/moved"));
	EXPECT_STREQ("film", names_in("mnt/media"));
	audit_end(pid);
	text = get("said");
	EXPECT_EQ(text, strstr(text, "# mount op verdict home ino uid pid comm name\n"));
	TELLS("open", "1", "1", 0, "film");
	TELLS("open", "deny:EPERM", "0", SOMEONE, "secret");
	TELLS("create", "home", "-", 0, "a\\040name\\012");
	TELLS("setattr", "asks", "0", 0, "secret");
	TELLS("rename", "home", "0", 0, "secret");
	TELLS("unlink", "home", "0", 0, "moved");
	TELLS("open", "1", "1", 0, "media");
	EXPECT_EQ(NULL, strstr(text, " lookup "));
	EXPECT_OK(umount("mnt"));
	EXPECT_EQ(0, loader("unload", "audit", NULL)) TH_LOG("%s", loader_said);
}

TEST_F(site, what_nobody_reads_is_counted)
{
	int i;

	DOES(own_bpffs());
	DOES(put("hot/f", ""));
	ASSERT_EQ(0, loader("load", object_of("audit"), NULL)) TH_LOG("%s", loader_said);
	ASSERT_EQ(0, SITE_MOUNT(&self->site, "chooser", "bpf:audit")) TH_LOG("%s", mount_log);
	for (i = 0; i < 4000; i++)
		EXPECT_EQ(0, opens("mnt/f", O_RDONLY));
	EXPECT_LT(0, counted("mnt", "bpf 0"));
	EXPECT_GT(4000, counted("mnt", "bpf 0"));
	EXPECT_OK(umount("mnt"));
	EXPECT_EQ(0, loader("unload", "audit", NULL)) TH_LOG("%s", loader_said);
}

SWITCHFS_TEST_MAIN
