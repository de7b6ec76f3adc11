"""An API whose process is killed when it begins to answer a POST: the effect is committed, the answer is lost."""

import os
import signal
import sys

import uvicorn
from starlette.types import Message, Receive, Scope, Send

from app.core.http import Http
from app.main import create_app

app = create_app()


async def dying(scope: Scope, receive: Receive, send: Send) -> None:
    async def send_nothing(message: Message) -> None:
        if scope.get("method") == "POST" and message["type"] == "http.response.start" and message["status"] < 300:
            os.kill(os.getpid(), signal.SIGKILL)
        await send(message)

    await app(scope, receive, send_nothing if scope["type"] == "http" else send)


if __name__ == "__main__":
    uvicorn.run(dying, port=int(sys.argv[1]), http=Http, log_level="warning")
