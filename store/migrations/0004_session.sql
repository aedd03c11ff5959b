-- What users have on IRC now, so that a restart can bring it back: a row for each
-- network of a user, with an empty channel, and one for each channel. secret is
-- the channel's key, encrypted.
CREATE TABLE session (
	owner   TEXT NOT NULL,
	server  TEXT NOT NULL,
	channel TEXT NOT NULL,
	state   TEXT NOT NULL,
	secret  TEXT NOT NULL,
	PRIMARY KEY (owner, server, channel)
);
