package store

import (
	"context"
	"time"
)

// Block is something that an admin has blocked. The store does not know what its
// texts mean.
type Block struct {
	// Kind and Pattern say what is blocked; there is one block of each pair.
	Kind, Pattern string
	// Reason is the admin's, and may be empty; Admin is who it was.
	Reason, Admin string
	At            time.Time
}

// AddBlock keeps a block, in place of the one of the same kind and pattern. When it
// returns, the block survives a crash and a power failure.
func (s *Store) AddBlock(ctx context.Context, block Block) error {
	for _, text := range []*string{&block.Pattern, &block.Reason, &block.Admin} {
		*text = storable(*text)
	}
	return doing("blocking", s.durably(ctx, `INSERT INTO block (kind, pattern, reason, admin, blocked_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (kind, pattern) DO UPDATE SET reason = excluded.reason, admin = excluded.admin, blocked_at = excluded.blocked_at`,
		block.Kind, block.Pattern, block.Reason, block.Admin, block.At.UnixMilli()))
}

// RemoveBlock forgets a block. Removing one that is not there is no error.
func (s *Store) RemoveBlock(ctx context.Context, kind, pattern string) error {
	return doing("unblocking", s.durably(ctx, "DELETE FROM block WHERE kind = ? AND pattern = ?", kind, storable(pattern)))
}

// durably runs one statement in a transaction that survives a power failure.
func (s *Store) durably(ctx context.Context, text string, arguments ...any) error {
	return s.changeFor(ctx, func(ctx context.Context, tx transaction) error { return tx.exec(ctx, text, arguments...) })
}

// Blocks returns all blocks, the oldest first.
func (s *Store) Blocks(ctx context.Context) ([]Block, error) {
	rows, err := s.db.query(ctx, "SELECT kind, pattern, reason, admin, blocked_at FROM block ORDER BY blocked_at, kind, pattern")
	if err != nil {
		return nil, doing("loading blocks", err)
	}
	defer rows.Close()
	var blocks []Block
	for rows.Next() {
		var block Block
		var at int64
		if err := rows.Scan(&block.Kind, &block.Pattern, &block.Reason, &block.Admin, &at); err != nil {
			return nil, doing("loading blocks", err)
		}
		block.At = time.UnixMilli(at)
		blocks = append(blocks, block)
	}
	return blocks, doing("loading blocks", rows.Err())
}
