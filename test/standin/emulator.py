"""Moto's server, with what AWS publishes and moto does not ship: the images of Ubuntu and Debian, and the parameters that name them.

    emulator.py PORT

AWS keeps the names below /aws/service to itself, so no client can put them there: they are added to moto's store before it serves.
Listens on the loopback interface and ends when its standard input is closed, so that it never outlives the tests.
"""

import json
import os
import sys
import threading
from pathlib import Path

directory = Path(__file__).parent
os.environ["MOTO_AMIS_PATH"] = str(directory / "images.json")
# What AWS refuses, the emulator must refuse too.
os.environ["MOTO_ENABLE_AMI_VALIDATION"] = "true"
os.environ["MOTO_ENABLE_KEYPAIR_VALIDATION"] = "true"
os.environ["MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION"] = "true"

from moto.core import DEFAULT_ACCOUNT_ID  # noqa: E402
from moto.core.utils import utcnow  # noqa: E402
from moto.server import main  # noqa: E402
from moto.ssm.models import Parameter, ParameterDict  # noqa: E402

published = json.loads((directory / "parameters.json").read_text())
untouched = ParameterDict.__init__


def with_published(self, account_id, region_name):
    untouched(self, account_id, region_name)
    for name, value in published.items():
        parameter = Parameter(DEFAULT_ACCOUNT_ID, name, value, "String", None, None, None, utcnow(), 1, "aws:ec2:image")
        self[name].append(parameter)


ParameterDict.__init__ = with_published


def end_with_standard_input():
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=end_with_standard_input, daemon=True).start()
main(["--host", "127.0.0.1", "--port", sys.argv[1]])
