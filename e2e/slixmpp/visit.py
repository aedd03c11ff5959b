"""A visit to a room with slixmpp, whose reading of XEP-0045 is nobody's of passerelle.

Each step prints "PASS step" or "FAIL step: why". What somebody on IRC has to do in between
is asked for with "PLEASE what", and the program that runs this one does it.
"""

import argparse
import asyncio
import sys

import slixmpp
from slixmpp.exceptions import PresenceError

PATIENCE = 20


class Visitor(slixmpp.ClientXMPP):
    def __init__(self, options):
        super().__init__(options.jid, options.password)
        self.options = options
        self.room = slixmpp.JID(options.room)
        self.failed = False
        self.ca_certs = options.authority
        for plugin in ("xep_0030", "xep_0045", "xep_0199", "xep_0359"):
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
        except (asyncio.TimeoutError, AssertionError, PresenceError) as problem:
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

        changed = nick + "-capulet"
        renamed = self.waiting_for(f"muc::{self.room}::self-presence", lambda p: p["from"].resource == changed and p["type"] == "available")
        self.send_presence(pto=f"{self.room}/{changed}")
        await self.step("nick", renamed)

        kicked = self.waiting_for(f"muc::{self.room}::got_offline", lambda p: p["from"] == f"{self.room}/{changed}" and 307 in p["muc"]["status_codes"])
        print("PLEASE kick " + changed)
        await self.step("kick", kicked)
        self.finish()

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
