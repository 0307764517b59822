DROP TABLE balance_announcements;
