-- What admins have blocked by command: users and servers, by patterns. blocked_at is
-- in milliseconds since 1970.
CREATE TABLE block (
	kind       TEXT   NOT NULL,
	pattern    TEXT   NOT NULL,
	reason     TEXT   NOT NULL,
	admin      TEXT   NOT NULL,
	blocked_at BIGINT NOT NULL,
	PRIMARY KEY (kind, pattern)
);
