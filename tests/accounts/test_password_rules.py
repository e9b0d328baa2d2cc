"""What a new password must be: not stolen, not about this site or its person, and hard to guess."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.models import User
from accounts.password_strength import score_of
from tests.accounts.people import ask_for_reset, change_password, choose, codes, enter_reset_code, sign_in, sign_up

STOLEN = "a stolen sentence of words 3"
WHO = "maximiliane@example.com"


def digest(password):
    return hashlib.sha1(password.encode()).hexdigest().upper()


@pytest.fixture
def stolen(settings, tmp_path):
    """A file of ten thousand hashes, counts of different lengths among them."""
    hashes = sorted({digest(str(number)) for number in range(10_000)} | {digest(STOLEN)})
    path = tmp_path / "stolen.txt"
    path.write_text("".join(f"{one}:{10 ** (position % 7)}\r\n" for position, one in enumerate(hashes)))
    settings.BREACHED_PASSWORDS_FILE = str(path)
    return hashes


def refused(client, password, email=WHO):
    page = sign_up(client, email, password)
    assert page.status_code == 200, "it was taken"
    return page.content.decode()


@pytest.mark.parametrize(
    ("password", "told"),
    [
        ("qwertyuiop[]", "easy to guess"),
        ("1q2w3e4r5t6y", "easy to guess"),
        ("aaaaaaaaaaaaaaaa", "easy to guess"),
        ("x" * 1000, "easy to guess"),
        ("AuthCenter 2026", "the name of this site"),
        ("authcenter authcenter", "the name of this site"),
        ("my localhost", "the name of this site"),
        ("maximiliane!!", "your address"),
        ("maximiliane@example.com", "your address"),
    ],
)
def test_ac_38_what_is_easy_to_guess_is_refused(client, db, password, told):
    assert told in refused(client, password)
    assert not User.objects.exists()


@pytest.mark.parametrize(
    "password",
    ["correct horse battery 7", "päßwörter sind schön", "日本語のパスワードです。長い"],
)
def test_what_is_hard_to_guess_is_taken(client, db, password):
    assert sign_up(client, WHO, password).status_code == 302


def test_a_long_one_costs_no_more_than_its_first_letters(monkeypatch):
    import zxcvbn

    seen = []
    monkeypatch.setattr(zxcvbn, "zxcvbn", lambda password, **_: seen.append(password) or {"score": 4})
    score_of("ab" * 500, set())
    assert len(seen[0]) == 40


def test_ac_38_a_stolen_one_is_refused_by_every_door(client, browser, person, stolen):
    assert "stolen" in refused(client, STOLEN)
    user = person(WHO)
    sign_in(client, user.email)
    assert "stolen" in change_password(client, new=STOLEN).content.decode()
    other = browser()
    ask_for_reset(other, user.email)
    enter_reset_code(other, codes(user.email)[-1])
    assert "stolen" in choose(other, STOLEN).content.decode()


def test_every_line_of_the_file_is_found_and_no_other(stolen):
    from accounts.breached_passwords import in_file

    assert all(in_file(one) for one in (*stolen[:40], *stolen[::97], *stolen[-40:]))
    for near in (stolen[0], stolen[5000], stolen[-1]):
        after = f"{int(near, 16) + 1:040X}"
        assert in_file(after) == (after in stolen)
    assert not in_file("0" * 40) and not in_file("F" * 40)


@pytest.mark.parametrize("content", ["", "\n", digest(STOLEN), digest(STOLEN).lower() + ":1"])
def test_the_smallest_files(settings, tmp_path, content):
    from accounts.breached_passwords import in_file

    path = tmp_path / "f"
    path.write_text(content)
    settings.BREACHED_PASSWORDS_FILE = str(path)
    assert in_file(digest(STOLEN)) == (len(content) > 1)


def test_a_lost_file_keeps_nobody_out_and_is_logged(client, db, settings, caplog):
    settings.BREACHED_PASSWORDS_FILE = "/nowhere/at/all"
    assert sign_up(client, WHO).status_code == 302
    assert "breached_passwords_file" in caplog.text


@pytest.fixture
def service(settings):
    """Answers as the service does; `asked` are the requests, `says` is what it knows."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            service.asked.append((self.path, self.headers))
            self.send_response(service.status)
            self.end_headers()
            self.wfile.write(service.says.encode())

        def log_message(self, *_):
            """Silent."""

    service = HTTPServer(("127.0.0.1", 0), Answer)
    service.asked, service.says, service.status = [], "", 200
    threading.Thread(target=service.serve_forever, daemon=True).start()
    settings.BREACHED_PASSWORDS_URL = f"http://127.0.0.1:{service.server_port}/range/"
    settings.OUTBOUND_ALLOWED = ["127.0.0.0/8"]
    yield service
    service.shutdown()
    service.server_close()


def test_the_service_learns_five_letters_and_no_password(client, db, service):
    full = digest(STOLEN)
    service.says = f"{'0' * 35}:0\r\n{full[5:]}:12\r\n"
    assert "stolen" in refused(client, STOLEN)
    ((path, headers),) = service.asked
    assert path == f"/range/{full[:5]}" and headers["Add-Padding"] == "true"
    assert STOLEN not in str(headers) and "Cookie" not in headers


@pytest.mark.parametrize("answer", ["padding", "fault", "down", "nonsense"])
def test_the_service_keeps_nobody_out_who_is_not_in_it(client, db, service, caplog, answer):
    service.says = {"padding": f"{digest(STOLEN)[5:]}:0", "nonsense": "<html>\xff"}.get(answer, "")
    service.status = 500 if answer == "fault" else 200
    if answer == "down":
        service.shutdown(), service.server_close()
    assert sign_up(client, WHO, STOLEN).status_code == 302
    assert ("breached_passwords_service" in caplog.text) == (answer in {"fault", "down"})


def test_the_meter_says_what_the_form_would(client, db, stolen):
    def asked(password, email=""):
        return client.post("/accounts/password-strength/", {"password": password, "email": email}).json()

    assert asked("short")["words"] == "Too short."
    assert asked(STOLEN)["score"] == 0 and "stolen" in asked(STOLEN)["words"]
    assert asked("maximiliane!!")["score"] >= 0 and asked("maximiliane!!", WHO)["score"] == 0
    assert asked("1q2w3e4r5t6y")["score"] < 2 < asked("correct horse battery 7")["score"]
    assert client.get("/accounts/password-strength/").status_code == 405


def test_the_meter_is_no_place_to_keep_a_server_busy(client, db):
    from django.test import Client

    strict = Client(HTTP_HOST="localhost", enforce_csrf_checks=True)
    assert strict.post("/accounts/password-strength/", {"password": "x"}).status_code == 403
    answers = [client.post("/accounts/password-strength/", {"password": "x"}) for _ in range(121)]
    assert [answer.status_code for answer in answers] == [200] * 120 + [429]
    assert int(answers[-1]["Retry-After"]) > 0


def test_the_tool_sorts_and_checks_a_list(tmp_path, capsys):
    wild, good = tmp_path / "wild", tmp_path / "good"
    hashes = [digest(str(number)) for number in range(50)]
    wild.write_text("\n".join([*(f"{one.lower()}:3" for one in hashes), hashes[0]]))
    with pytest.raises(CommandError, match="out of order"):
        call_command("breached_passwords", str(wild))
    call_command("breached_passwords", str(wild), sort=good)
    assert [line[:40] for line in good.read_text().splitlines()] == sorted(hashes)
    call_command("breached_passwords", str(good))
    assert "50 hashes" in capsys.readouterr().out
    with pytest.raises(CommandError, match="there already"):
        call_command("breached_passwords", str(wild), sort=good)
    wild.write_text("password123\n")
    with pytest.raises(CommandError, match="Line 1 is no SHA-1 hash"):
        call_command("breached_passwords", str(wild))
