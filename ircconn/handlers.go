package ircconn

// handler is how one command becomes an event. A line with fewer parameters is
// passed on as Unhandled. The first parameter of a numeric is our nick.
type handler struct {
	params int
	handle func(*session, *message)
}

// handlers are all commands and numerics with an event or an effect of their
// own; other numerics become Reply or Refused, other commands Unhandled. The
// numerics are those of RFC 2812 §5 and of the IRCv3 specifications.
var handlers = map[string]handler{
	"PING":         {1, onPing},
	"PONG":         {0, onIgnored},
	"ERROR":        {0, onError},
	"CAP":          {2, onCap},
	"AUTHENTICATE": {1, onAuthenticate},

	"PRIVMSG": {2, onPrivmsg},
	"NOTICE":  {2, onNotice},
	"TAGMSG":  {0, onIgnored}, // typing and reactions have no event yet
	"BATCH":   {1, onBatch},
	"ACK":     {0, onAck},
	"FAIL":    {3, onFail},
	"WARN":    {3, onStandardReply},
	"NOTE":    {3, onStandardReply},

	"JOIN":    {1, onJoin},
	"PART":    {1, onPart},
	"KICK":    {2, onKick},
	"QUIT":    {0, onQuit},
	"KILL":    {1, onKill},
	"NICK":    {1, onNick},
	"MODE":    {2, onMode},
	"TOPIC":   {2, onTopic},
	"INVITE":  {2, onInvite},
	"AWAY":    {0, onAway},
	"ACCOUNT": {1, onAccount},
	"CHGHOST": {2, onChghost},
	"SETNAME": {1, onSetname},

	"001": {1, onWelcome},
	"005": {1, onSupport},
	"301": {2, onAwayReply},
	"305": {0, onBack},
	"306": {0, onGone},
	"315": {2, onWhoEnd},
	"324": {3, onChannelModes},
	"331": {2, onNoTopic},
	"332": {3, onTopicReply},
	"333": {3, onTopicSetBy},
	"346": {3, onListItem},
	"347": {2, onListEnd},
	"348": {3, onListItem},
	"349": {2, onListEnd},
	"352": {7, onWhoEntry},
	"353": {3, onNames},
	"354": {2, onWhoxEntry},
	"366": {2, onNamesEnd},
	"367": {3, onListItem},
	"368": {2, onListEnd},
	"372": {2, onMotdLine},
	"375": {0, onMotdStart},
	"376": {0, onMotdEnd},
	"396": {2, onOwnHost},
	"410": {1, onUnknownCommand},
	"421": {1, onUnknownCommand},
	"422": {0, onMotdEnd},
	"432": {1, onNickRefused},
	"433": {1, onNickRefused},
	"436": {1, onNickRefused},
	"437": {1, onNickRefused},
	"451": {1, onUnknownCommand},
	"463": {1, onRegistrationRefused},
	"464": {1, onRegistrationRefused},
	"465": {1, onRegistrationRefused},
	"466": {1, onRegistrationRefused},
	"728": {4, onListItem},
	"729": {3, onListEnd},
	"900": {3, onLoggedIn},
	"901": {0, onLoggedOut},
	"902": {1, onLoginRefused},
	"903": {1, onLoginSucceeded},
	"904": {1, onLoginRefused},
	"905": {1, onLoginRefused},
	"906": {1, onLoginRefused},
	"907": {1, onLoginSucceeded},
	"908": {2, onMechanisms},
}
