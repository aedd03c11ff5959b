"""A visit to a room with slixmpp, whose reading of XEP-0045 is nobody's of passerelle.

Each step prints "PASS step" or "FAIL step: why". What somebody on IRC has to do in between
is asked for with "PLEASE what", and the program that runs this one does it.
"""

import argparse
import asyncio
import sys

import slixmpp
from slixmpp.exceptions import IqError, PresenceError

PATIENCE = 20


class Visitor(slixmpp.ClientXMPP):
    def __init__(self, options):
        super().__init__(options.jid, options.password)
        self.options = options
        self.room = slixmpp.JID(options.room)
        self.failed = False
        self.ca_certs = options.authority
        for plugin in ("xep_0004", "xep_0030", "xep_0045", "xep_0050", "xep_0059", "xep_0199", "xep_0313", "xep_0359"):
            self.register_plugin(plugin)
        self.muc = self["xep_0045"]
        self.add_event_handler("session_start", self.visit)
        self.add_event_handler("failed_all_auth", lambda _: self.finish("FAIL login: refused"))

    def finish(self, line=None):
        if line:
            self.failed = True
            print(line)
        self.disconnect()

    async def step(self, name, coroutine):
        try:
            result = await asyncio.wait_for(coroutine, PATIENCE)
        except (asyncio.TimeoutError, AssertionError, IqError, PresenceError) as problem:
            self.failed = True
            print(f"FAIL {name}: {problem!r}")
            return None
        print(f"PASS {name}")
        return result

    def waiting_for(self, event, test=lambda stanza: True):
        """A future for the next stanza of an event that passes the test."""
        future = asyncio.get_running_loop().create_future()

        def handle(stanza):
            if not future.done() and test(stanza):
                future.set_result(stanza)

        self.add_event_handler(event, handle)
        return future

    async def visit(self, _):
        self.send_presence()
        nick, friend = self.options.nick, self.options.friend

        joined = await self.step("join", self.muc.join_muc_wait(self.room, nick))
        if joined is None:
            return self.finish()
        own, _subject, _occupants, _history = joined
        await self.step("self-presence", self.check(110 in own["muc"]["status_codes"], own))
        await self.step("roster", self.check({nick, friend} <= set(self.muc.get_roster(self.room)), self.muc.get_roster(self.room)))

        heard = self.waiting_for("groupchat_message", lambda m: m["mucnick"] == friend and m["body"] == "good morrow")
        print("PLEASE say good morrow")
        await self.step("hear", heard)

        reflected = self.waiting_for("groupchat_message", lambda m: m["mucnick"] == nick and m["body"] == "good pilgrim")
        message = self.make_message(mto=self.room, mbody="good pilgrim", mtype="groupchat")
        message.send()
        reflection = await self.step("talk", reflected)
        if reflection is not None:
            await self.step("same id", self.check(reflection["id"] == message["id"], reflection))

        answered = self.waiting_for("message", lambda m: m["type"] == "chat" and m["body"] == "I come anon")
        self.send_message(mto=f"{self.room}/{friend}", mbody="come hither", mtype="chat")
        print("PLEASE answer in private I come anon")
        await self.step("private", answered)

        await self.step("archive", self.read_archive())
        await self.step("command", self.run_command())
        await self.step("room form", self.read_room_form())

        changed = nick + "-capulet"
        renamed = self.waiting_for(f"muc::{self.room}::self-presence", lambda p: p["from"].resource == changed and p["type"] == "available")
        self.send_presence(pto=f"{self.room}/{changed}")
        await self.step("nick", renamed)

        kicked = self.waiting_for(f"muc::{self.room}::got_offline", lambda p: p["from"] == f"{self.room}/{changed}" and 307 in p["muc"]["status_codes"])
        print("PLEASE kick " + changed)
        await self.step("kick", kicked)
        self.finish()

    async def read_archive(self):
        """XEP-0313: what was heard and said stands in the room's archive, in order."""
        bodies = []
        async for answer in self["xep_0313"].retrieve(jid=self.room, iterator=True, rsm={"max": 1}):
            bodies += [m["mam_result"]["forwarded"]["stanza"]["body"] for m in answer["mam"]["results"]]
        assert bodies == ["good morrow", "good pilgrim"], bodies

    async def run_command(self):
        """XEP-0050: the settings of the gateway are shown, changed, and shown again."""
        gateway = self.room.domain
        offered = await self["xep_0030"].get_items(jid=gateway, node="http://jabber.org/protocol/commands")
        nodes = {node for _jid, node, _name in offered["disco_items"]["items"]}
        assert {"ping", "hello", "configure", "disconnect-from-irc-server"} <= nodes, nodes
        for length in ("17", "18"):
            shown = await self["xep_0050"].send_command(gateway, "configure")
            form = shown["command"]["form"]
            fields = form.get_fields()
            fields["max_history_length"]["value"] = length
            form.reply()
            form["type"] = "submit"
            done = await self["xep_0050"].send_command(
                gateway, "configure", action="complete", payload=form, sessionid=shown["command"]["sessionid"])
            assert done["command"]["status"] == "completed", done
        shown = await self["xep_0050"].send_command(gateway, "configure")
        assert shown["command"]["form"].get_fields()["max_history_length"]["value"] == "18", shown
        await self["xep_0050"].send_command(gateway, "configure", action="cancel", sessionid=shown["command"]["sessionid"])

    async def read_room_form(self):
        form = await self.muc.get_room_config(self.room)
        fields = form.get_fields()
        assert "record_history" in fields and "muc#roomconfig_moderatedroom" in fields, list(fields)

    @staticmethod
    async def check(condition, shown):
        assert condition, shown


def main():
    parser = argparse.ArgumentParser()
    for name in ("host", "port", "jid", "password", "authority", "room", "nick", "friend"):
        parser.add_argument("--" + name, required=True)
    options = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)
    visitor = Visitor(options)
    visitor.connect((options.host, int(options.port)))
    visitor.process(forever=False)
    sys.exit(1 if visitor.failed else 0)


main()
