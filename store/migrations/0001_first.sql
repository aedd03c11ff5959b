-- What the whole database says about itself, by name.
CREATE TABLE instance (
	name  TEXT NOT NULL PRIMARY KEY,
	value TEXT NOT NULL
);

-- One row for each value of a setting; a list keeps its order by ordinal.
CREATE TABLE setting (
	owner   TEXT     NOT NULL,
	server  TEXT     NOT NULL,
	channel TEXT     NOT NULL,
	name    TEXT     NOT NULL,
	ordinal SMALLINT NOT NULL,
	secret  SMALLINT NOT NULL,
	value   TEXT     NOT NULL,
	PRIMARY KEY (owner, server, channel, name, ordinal)
);

CREATE TABLE contact (
	owner   TEXT NOT NULL,
	contact TEXT NOT NULL,
	PRIMARY KEY (owner, contact)
);

-- One archive for each user and channel. An archive without owner was given up
-- and waits for its lines to be removed. lag is how many milliseconds a line may
-- be older than one before it.
CREATE TABLE archive (
	id      {{.Key}} PRIMARY KEY,
	owner   TEXT,
	server  TEXT     NOT NULL,
	channel TEXT     NOT NULL,
	lag     BIGINT   NOT NULL,
	UNIQUE (owner, server, channel)
);

-- The archived lines. key is the archive's id times 2^32 plus the line's number in
-- it, so that the lines of one archive stand side by side. at is in milliseconds
-- since 1970; at + behind never falls from one line to the next. id_hash finds a
-- line by its id: the archive's id times 2^32 plus a hash.
CREATE TABLE line (
	key        {{.Key}} PRIMARY KEY,
	at         BIGINT   NOT NULL,
	behind     BIGINT   NOT NULL,
	id_hash    BIGINT   NOT NULL,
	id         TEXT     NOT NULL,
	message_id TEXT     NOT NULL,
	nick       TEXT     NOT NULL,
	occupant   TEXT     NOT NULL,
	body       TEXT     NOT NULL,
	payload    {{.Bytes}} NOT NULL
);

CREATE INDEX line_id ON line (id_hash);

-- Lines as they came, until many are put in their place at once.
CREATE TABLE staged (
	position   {{.Key}} PRIMARY KEY,
	key        BIGINT   NOT NULL,
	at         BIGINT   NOT NULL,
	behind     BIGINT   NOT NULL,
	id_hash    BIGINT   NOT NULL,
	id         TEXT     NOT NULL,
	message_id TEXT     NOT NULL,
	nick       TEXT     NOT NULL,
	occupant   TEXT     NOT NULL,
	body       TEXT     NOT NULL,
	payload    {{.Bytes}} NOT NULL,
	words      TEXT     NOT NULL
);
