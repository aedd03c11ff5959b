-- The words of the lines, by the lines' keys.
CREATE TABLE line_text (
	rowid BIGINT   NOT NULL PRIMARY KEY,
	words TSVECTOR NOT NULL
);

CREATE INDEX line_text_words ON line_text USING gin (words);
