package translate

import "strconv"

// Refusal is a stanza error's condition (RFC 6120 §8.3.3) and what to say when
// the IRC server gave no text.
type Refusal struct {
	Condition string
	// Type is the error's type where it is not the condition's usual one.
	Type string
	Text string
}

// numerics are the refusals that mean the same whatever was asked for.
var numerics = map[int]Refusal{
	263: {"resource-constraint", "wait", "the server is busy; try again in a moment"},
	401: {"item-not-found", "", "nobody of that nick is on the network"},
	402: {"item-not-found", "", "there is no such server"},
	403: {"item-not-found", "", "there is no such channel"},
	404: {"forbidden", "", "the channel does not let you speak: it may be moderated, or you may be banned or not in it"},
	405: {"resource-constraint", "wait", "you are in too many channels; leave one first"},
	406: {"item-not-found", "", "nobody of that nick was here lately"},
	407: {"not-acceptable", "", "too many targets"},
	411: {"bad-request", "", "no recipient"},
	412: {"bad-request", "", "there is nothing to send"},
	415: {"forbidden", "", "the server does not let you write there"},
	417: {"policy-violation", "modify", "the line is too long"},
	421: {"feature-not-implemented", "", "the server does not know that command"},
	431: {"bad-request", "", "no nick given"},
	432: {"not-acceptable", "", "the network does not allow that nick"},
	433: {"conflict", "", "somebody else has that nick"},
	436: {"conflict", "", "somebody else has that nick"},
	437: {"conflict", "wait", "the nick or channel is blocked for the moment; try again later"},
	438: {"resource-constraint", "wait", "you change your nick too fast; try again in a moment"},
	439: {"resource-constraint", "wait", "too fast; try again in a moment"},
	441: {"item-not-found", "", "they are not in that channel"},
	442: {"not-acceptable", "", "you are not in that channel"},
	443: {"conflict", "", "they are in that channel already"},
	447: {"not-acceptable", "", "nicks cannot be changed while you are in this channel"},
	461: {"bad-request", "", "something is missing from the command"},
	464: {"not-authorized", "", "the password is wrong"},
	465: {"forbidden", "", "you are banned from this server"},
	467: {"conflict", "", "the channel has a key already"},
	468: {"not-allowed", "", "only servers can set that mode"},
	470: {"gone", "", "the channel sends you on to another one"},
	471: {"service-unavailable", "wait", "the channel is full"},
	472: {"feature-not-implemented", "", "this network does not have that channel mode"},
	473: {"registration-required", "", "the channel is for invited people only (+i)"},
	474: {"forbidden", "", "you are banned from the channel (+b)"},
	475: {"not-authorized", "", "the channel needs a password (+k)"},
	476: {"jid-malformed", "modify", "that is not a channel's name here"},
	477: {"registration-required", "", "log in to the network's services first (NickServ)"},
	478: {"resource-constraint", "", "the channel's list is full"},
	479: {"jid-malformed", "modify", "that is not a channel's name here"},
	480: {"resource-constraint", "wait", "too many people join at once; try again in a moment"},
	481: {"forbidden", "", "that is for operators of the network"},
	482: {"forbidden", "", "you are not an operator of the channel"},
	483: {"not-allowed", "", "a server cannot be killed"},
	484: {"not-allowed", "", "your connection is restricted"},
	485: {"forbidden", "", "you are not the channel's owner"},
	489: {"policy-violation", "", "the channel lets in only those whose connection is encrypted"},
	491: {"forbidden", "", "your host cannot become an operator"},
	492: {"not-allowed", "", "the channel does not allow CTCP"},
	494: {"forbidden", "", "you cannot write to them"},
	495: {"resource-constraint", "wait", "too soon after a kick; try again in a moment"},
	499: {"forbidden", "", "you are not the channel's owner"},
	500: {"resource-constraint", "wait", "too many people join at once; try again in a moment"},
	501: {"bad-request", "", "there is no such user mode"},
	502: {"forbidden", "", "those modes are somebody else's"},
	520: {"forbidden", "", "the channel is for operators of the network"},
	531: {"subscription-required", "", "they do not accept messages from you"},
	696: {"bad-request", "", "the network does not take that parameter for the mode"},
	697: {"conflict", "", "that is on the channel's list already"},
	698: {"item-not-found", "", "that is not on the channel's list"},
	716: {"subscription-required", "", "they accept messages only from people they know (+g)"},
	723: {"forbidden", "", "you lack the privileges for that"},
	926: {"forbidden", "", "the network does not allow that channel"},
	902: {"not-authorized", "", "the account cannot be used"},
	904: {"not-authorized", "", "the account's name or password is wrong"},
	905: {"not-authorized", "", "the login did not fit"},
	906: {"not-authorized", "", "the login was broken off"},
	974: {"not-allowed", "", "the server refused the mode"},
}

// fails are the codes of FAIL (IRCv3 standard-replies) with one meaning.
var fails = map[string]Refusal{
	"ACCOUNT_REQUIRED":           {"registration-required", "", "log in to the network's services first"},
	"INVALID_UTF8":               {"bad-request", "", "the network takes nothing but UTF-8"},
	"INVALID_TARGET":             {"item-not-found", "", "there is no such target"},
	"NEED_MORE_PARAMS":           {"bad-request", "", "something is missing from the command"},
	"TEMPORARILY_UNAVAILABLE":    {"service-unavailable", "wait", "not possible at the moment"},
	"RATE_LIMITED":               {"resource-constraint", "wait", "too fast; try again in a moment"},
	"CANNOT_SEND":                {"forbidden", "", "the server does not let you write there"},
	"MULTILINE_MAX_BYTES":        {"policy-violation", "modify", "the message is too long"},
	"MULTILINE_MAX_LINES":        {"policy-violation", "modify", "the message has too many lines"},
	"REDACT_FORBIDDEN":           {"forbidden", "", "the message cannot be taken back"},
	"REGISTRATION_IS_COMPLETED":  {"conflict", "", "you are registered already"},
	"MESSAGE_ERROR":              {"not-acceptable", "", "the message could not be fetched"},
	"ALREADY_AUTHENTICATED":      {"conflict", "", "you are logged in already"},
	"COMMAND_NOT_SUPPORTED":      {"feature-not-implemented", "", "the server does not do that"},
	"INVALID_PARAMS":             {"bad-request", "", "the server does not understand the command"},
	"UNKNOWN_COMMAND":            {"feature-not-implemented", "", "the server does not know that command"},
	"COMPLETE_CONNECTION_NEEDED": {"not-acceptable", "", "not connected yet"},
}

// RefusalOf returns what a numeric, or for numeric 0 the code of a FAIL, means
// to an XMPP client. A refusal that has no row is undefined-condition with the
// server's text, or its number.
func RefusalOf(numeric int, code, text string) Refusal {
	refusal, known := numerics[numeric]
	if numeric == 0 {
		refusal, known = fails[code]
	}
	if !known {
		refusal = Refusal{"undefined-condition", "cancel", "the IRC server refused it (" + strconv.Itoa(numeric) + code + ")"}
	}
	if text != "" {
		refusal.Text = text
	}
	return refusal
}
