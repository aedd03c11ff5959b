// Package crew has a few goroutines do much small work.
//
// A goroutine that is started for each piece of work begins with a small stack, and
// copies it two or three times until it is large enough for a stanza's whole way: for
// a line of IRC that is as much as the work itself. The goroutines of a crew stay, with
// the stacks they have, and there are few of them, so that they stay in the
// processor's caches.
//
// A crew owns its goroutines and the work that waits for one of them. Work may wait:
// when all goroutines are held up, others are started for what is queued. They stay, too,
// so that what comes next finds one as long as those are held up, and end when as many
// rest as the crew is meant to have. A crew refuses nothing and bounds nothing; who gives
// it work does.
package crew
