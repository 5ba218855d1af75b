"""A local fake of "Send Survey" of edna Chat Center, for test suites.

With pytest, use the fixture `surveyd`: a `World` for each test. Elsewhere, start a `Fake` and take worlds from it:

    with Fake() as fake, fake.new_world() as world:
        send_survey(world.url, world.token, client_id=1, form_id=1)  # the code under test
        assert [send["clientId"] for send in world.sends(wait="5s")] == [1]
"""

from surveyd._error import SurveydError
from surveyd._fake import Fake
from surveyd._rows import Attempt, Clock, Kind, Rule, Send, Settings, Target
from surveyd._world import World

__all__ = ["Attempt", "Clock", "Fake", "Kind", "Rule", "Send", "Settings", "SurveydError", "Target", "World"]
