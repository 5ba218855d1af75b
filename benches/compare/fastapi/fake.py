from collections import defaultdict
from typing import Annotated

from fastapi import Body, FastAPI, Header, Response

VARY = ["Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"]
app = FastAPI()
worlds = defaultdict(lambda: {"on": True, "sends": []})
Token = Annotated[str, Header(alias="Authorization")]


def refusal(world, survey):
    if not world["on"]:
        return "Sending surveys via external api is disabled"
    if survey["clientId"]["id"] == 2:
        return "Client has open thread"
    if survey["clientId"]["id"] == 3:
        return f"Cannot send form {survey['qualityFormId']} to thread 4"


@app.post("/api/v1/quality/send")
async def send(survey: dict, token: Token):
    world = worlds[token]
    if message := refusal(world, survey):
        known = '{\r\n  "method" : "POST",\r\n  "uri" : "/api/v1/quality/send",\r\n  "code" : null,\r\n'
        response = Response(f'{known}  "message" : "{message}"\r\n}}', 409, media_type="application/json")
    else:
        world["sends"].append(survey)
        response = Response()
    for name in VARY:
        response.headers.append("Vary", name)
    return response


@app.put("/flag")
async def flag(on: Annotated[bool, Body(embed=True)], token: Token):
    worlds[token]["on"] = on


@app.get("/sends")
async def sends(token: Token):
    return worlds[token]["sends"]
