-- The words of the lines, by the lines' keys. The words come prepared, so that the
-- plainest tokenizer does.
CREATE VIRTUAL TABLE line_text USING fts5 (
	words, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
);
