"""Redirect URIs: simple string comparison, and before one is trusted every fault is a page (AZ-01 to AZ-20)."""

import pytest
from django.core.exceptions import ValidationError

from authcenter.audit.models import AuditEvent
from authcenter.oauth.models import Scope
from authcenter.oauth.redirects import matches, origin_fault, redirect_uri_fault
from tests.oauth.flow import answer, assert_page, assert_redirect, stored

STRANGE = {
    "az_01_trailing_slash": "https://rp1.test/cb/",
    "az_02_added_query": "https://rp1.test/cb?x=1",
    "az_02_empty_query": "https://rp1.test/cb?",
    "az_03_other_value": "https://rp1.test/q?a=2&b=2",
    "az_03_other_order": "https://rp1.test/q?b=2&a=1",
    "az_03_twice": "https://rp1.test/q?a=1&a=1&b=2",
    "az_03_one_missing": "https://rp1.test/q?a=1",
    "az_04_fragment": "https://rp1.test/cb#x",
    "az_04_empty_fragment": "https://rp1.test/cb#",
    "az_05_userinfo_in_redirect_uri": "https://evil@rp1.test/cb",
    "az_05_host_as_user": "https://rp1.test@evil.test/cb",
    "az_05_two_ats": "https://a@b@rp1.test/cb",
    "az_05_host_and_port_as_user": "https://rp1.test:80@evil.test/cb",
    "az_07_dot_segment": "https://rp1.test/x/../cb",
    "az_07_single_dot": "https://rp1.test/./cb",
    "az_07_encoded_dots": "https://rp1.test/cb/%2e%2e/cb",
    "az_07_doubly_encoded_dots": "https://rp1.test/%252e%252e/cb",
    "az_07_encoded_slash": "https://rp1.test/cb%2f",
    "az_07_encoded_letter": "https://rp1.test/%63b",
    "az_08_host_suffix": "https://rp1.test.evil.test/cb",
    "az_08_host_prefix": "https://evilrp1.test/cb",
    "az_08_any_letter_for_the_dot": "https://rp1atest/cb",
    "az_08_trailing_dot": "https://rp1.test./cb",
    "az_08_upper_case_host": "https://RP1.test/cb",
    "az_08_port": "https://rp1.test:443/cb",
    "az_08_port_out_of_range": "https://rp1.test:99999/cb",
    "az_11_backslash": "https://rp1.test\\@evil.test/cb",
    "az_11_crlf": "https://rp1.test/cb\r\nX:1",
    "az_11_encoded_crlf": "https://rp1.test/cb%0d%0aX:1",
    "az_11_tab": "https://rp1.test/cb\t",
    "az_11_newline_at_the_end": "https://rp1.test/cb\n",
    "az_11_leading_blank": " https://rp1.test/cb",
    "az_15_scheme_downgrade": "http://rp1.test/cb",
    "az_15_upper_case_scheme": "HTTPS://rp1.test/cb",
    "az_15_no_scheme": "//rp1.test/cb",
    "az_15_path_only": "/cb",
    "az_15_the_list_itself": "https://rp1.test/cb https://rp1.test/other",
    "az_16_javascript": "javascript:alert(1)//https://rp1.test/cb",
    "az_16_data": "data:text/html,<script>alert(1)</script>",
    "az_16_vbscript": "vbscript:msgbox(1)",
    "az_16_file": "file:///etc/passwd",
    "az_16_mixed_case": "JaVaScRiPt:alert(1)",
    "az_16_newline_in_scheme": "java\nscript:alert(1)",
    "az_59_brackets": "https://[rp1.test/cb",
    "az_60_long": "https://rp1.test/cb?" + "x" * 8000,
    "az_60_slow_for_a_regular_expression": "a:" + "//" * 4000 + "\\",
}


@pytest.mark.parametrize("uri", STRANGE.values(), ids=STRANGE.keys())
@pytest.mark.parametrize("prompt", [None, "none"])
def test_strange_redirect_uri_is_a_page(web, browser, uri, prompt):
    before = stored()
    response = browser.authorize(web, redirect_uri=uri, prompt=prompt)
    assert_page(response)
    assert stored() == before
    page = response.content.decode()
    for tag in ("href=", "action=", "src="):
        assert f'{tag}"{uri}' not in page
    refused = AuditEvent.objects.get(kind="authorization_refused")
    assert refused.client_id == web.id and refused.detail["page"] is True


@pytest.mark.parametrize("uri", ["https://rp1.test/cb", "https://rp1.test/q?a=1&b=2", "https://rp1.test/other"])
def test_rfc6749_3_1_2_3_each_registered_uri_works_to_the_letter(web, alice, browser, uri):
    browser.ask(web, redirect_uri=uri, state="s").sign_in(alice).allow()
    assert browser.left_to.startswith(uri)
    told = answer(browser.left_to)
    assert told["state"] == "s" and told["code"]
    if "?" in uri:  # RFC 6749 section 3.1.2: the query component MUST be retained
        assert told["a"] == "1" and told["b"] == "2"


@pytest.mark.parametrize("scope", ["openid", "orders:read"])
def test_az_17_missing_redirect_uri_of_an_application_with_several(web, browser, scope):
    assert_page(browser.authorize(web, redirect_uri=None, scope=scope))


@pytest.mark.parametrize("empty", [None, ""])
def test_az_17_missing_redirect_uri_with_openid(web2, browser, empty):
    """OpenID Connect Core section 3.1.2.1: REQUIRED, even where only one is registered."""
    assert_page(browser.authorize(web2, redirect_uri=empty, scope="openid"))


def test_rfc6749_3_1_2_3_the_only_redirect_uri_may_be_left_out_without_openid(spa, alice, browser):
    browser.ask(spa, redirect_uri=None, scope="orders:read").sign_in(alice).allow()
    assert browser.left_to.startswith(spa.redirect_uri)


def test_az_19_prompt_none_is_no_open_redirect(web, browser):
    response = browser.authorize(web, redirect_uri="https://evil.test", prompt="none")
    assert_page(response)
    assert "evil.test" not in str(response.headers)


EARLY = {
    "bad_response_type": {"response_type": "token"},
    "no_response_type": {"response_type": None},
    "bad_scope": {"scope": "nonsense"},
    "no_openid": {"scope": "orders:read"},
    "no_scope": {"scope": None},
    "no_pkce": {"code_challenge": None, "code_challenge_method": None},
    "plain_pkce": {"code_challenge_method": "plain"},
    "unknown_client": {"client_id": "nobody"},
    "no_client": {"client_id": None},
    "request_object": {"request": "garbage"},
    "request_uri": {"request_uri": "https://evil.test/r"},
    "state_twice": {"state": ["a", "b"]},
    "response_mode": {"response_mode": "fragment"},
    "prompt": {"prompt": "none login"},
    "max_age": {"max_age": "x"},
    "resource": {"resource": "https://nowhere.test"},
    "hint": {"id_token_hint": "x"},
}


@pytest.mark.parametrize("changes", EARLY.values(), ids=EARLY.keys())
def test_az_20_no_early_error_redirects_to_a_stranger(web, browser, changes):
    response = browser.authorize(web, redirect_uri="https://evil.test/cb", **changes)
    assert_page(response)
    assert "evil.test" not in str(response.headers)


# --- Loopback (RFC 8252 section 7.3) --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:51004/cb",
        "http://127.0.0.1:80/cb",
        "http://127.0.0.1/cb",
        "http://[::1]:51004/cb",
        "com.example.app:/cb",
    ],
)
def test_az_13_rfc8252_7_3_any_port_of_a_loopback_address(native, alice, browser, uri):
    browser.ask(native, redirect_uri=uri).sign_in(alice).allow()
    assert browser.left_to.startswith(uri + "?")


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:51004/other",
        "http://127.0.0.1:51004/cb?x=1",
        "http://127.0.0.1:51004/cb/",
        "http://127.0.0.1:51004/cb#",
        "http://127.0.0.1:51004/CB",
        "http://127.0.0.1:0/cb",
        "http://127.0.0.1:65536/cb",
        "http://127.0.0.1:99999/cb",
        "http://127.0.0.1:/cb",
        "http://127.0.0.1:51004\n/cb",
        "http://127.0.0.1:51004/cb\n",
        "http://127.0.0.1:٥١٠٠٤/cb",
        "http://127.0.0.1:-1/cb",
        "http://127.0.0.2:51004/cb",
        "http://127.1:51004/cb",
        "http://2130706433/cb",
        "http://0x7f.0.0.1/cb",
        "http://localhost:51004/cb",
        "https://127.0.0.1:51004/cb",
        "http://127.0.0.1.evil.test/cb",
        "http://127.0.0.1:80@evil.test/cb",
        "http://127.0.0.1:80\\@evil.test/cb",
        "http://[::1]:51004/other",
        "http://[::ffff:127.0.0.1]/cb",
        "com.example.app://cb",
        "com.example.app:/cb/x",
        "com.example.app2:/cb",
    ],
)
def test_az_13_nothing_but_the_port_may_vary(native, browser, uri):
    assert_page(browser.authorize(native, redirect_uri=uri))


def test_az_13_a_web_application_gets_no_free_port():
    assert not matches("http://127.0.0.1:51004/cb", ["http://127.0.0.1/cb"], native=False)


@pytest.mark.parametrize("ending", ["", "\n", ":80\n", ":\n"])
def test_az_13_a_newline_never_ends_a_loopback_uri_without_path(ending):
    assert matches(f"http://127.0.0.1{ending}", ["http://127.0.0.1"], native=True) is (ending == "")


def test_az_11_no_header_line_can_be_injected_by_state(web, browser):
    response = browser.authorize(web, scope="nonsense", state="a\r\nSet-Cookie: x=1")
    told = assert_redirect(response, web, "invalid_scope")
    assert told["state"] == "a\r\nSet-Cookie: x=1"  # encoded on the way
    assert "\r" not in response["Location"] and "\n" not in response["Location"]
    assert "Set-Cookie" not in response.headers


# --- Registration ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "blob:https://rp1.test/x",
        "view-source:https://rp1.test",
        "https://rp1.test/cb#x",
        "https://rp1.test/cb#",
        "https://user@rp1.test/cb",
        "https://user:pw@rp1.test/cb",
        "https://*.rp1.test/cb",
        "https://rp1.test\\@evil.test",
        "https://rp1.test/cb\n",
        "https://rp1.test/a/../cb",
        "https://rp1.test/./cb",
        "https:///cb",
        "https:/cb",
        "https:cb",
        "https://rp1.test:99999/cb",
        "https://[rp1.test/cb",
        "http://rp1.test/cb",
        "http://127.0.0.1.evil.test/cb",
        "http://localhost.evil.test/cb",
        "//rp1.test/cb",
        "/cb",
        "rp1.test/cb",
        "https://räksmörgås.test/cb",
        "https://rp1.test/<script>",
        "",
        "myapp:/cb",
        "ws://rp1.test/cb",
        "https://rp1.test/cb?code=x",
        "https://rp1.test/cb?a=1&st%61te=",
        f"https://{'a' * 254}/cb",
    ],
)
@pytest.mark.parametrize("native", [False, True])
def test_what_may_not_be_registered(uri, native):
    assert redirect_uri_fault(uri, native=native)


@pytest.mark.parametrize(
    ("uri", "native"),
    [
        ("https://rp1.test/cb", False),
        ("https://rp1.test:8443/cb?a=1", False),
        ("http://localhost:3000/cb", False),
        ("http://127.0.0.1/cb", True),
        ("http://[::1]/cb", True),
        ("com.example.app:/cb", True),
    ],
)
def test_what_may_be_registered(uri, native):
    assert redirect_uri_fault(uri, native=native) is None


def test_rfc8252_7_1_private_schemes_are_for_native_applications():
    assert redirect_uri_fault("com.example.app:/cb", native=False)


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "null",
        "https://",
        "https://spa.test/",
        "https://spa.test/x",
        "https://user@spa.test",
        "https://*.spa.test",
        "http://spa.test",
        "https://spa.test:99999",
        "https://spa.test#",
        "https://spa.test?",
        "file://x",
    ],
)
def test_origins_that_may_not_be_registered(origin):
    assert origin_fault(origin)


@pytest.mark.parametrize("name", ["a b", "a\n", 'a"', "a\\", "é", "", "a\tb"])
def test_rfc6749_3_3_names_that_no_scope_may_have(orders, name):
    scope = Scope(api=orders, name=name, title="x")
    with pytest.raises(ValidationError):
        scope.full_clean()


@pytest.mark.parametrize("client_id", ["a b", "a\n", "é", "", "a\x00"])
def test_rfc6749_app_a_1_ids_that_no_application_may_have(web, client_id):
    web.row.client_id = client_id
    with pytest.raises(ValidationError):
        web.row.full_clean()


@pytest.mark.parametrize(
    "fields",
    [
        {"redirect_uris": ""},
        {"redirect_uris": "https://rp1.test/cb javascript:alert(1)"},
        {"post_logout_redirect_uris": "https://rp1.test/*"},
        {"allowed_origins": "null"},
        {"client_type": "public"},
        {"client_type": "public", "token_endpoint_auth_method": "none", "require_pkce": False},
        {"client_type": "public", "token_endpoint_auth_method": "none", "grant_types": ["client_credentials"]},
        {"token_endpoint_auth_method": "none"},
    ],
)
def test_settings_that_no_application_may_have(web, fields):
    for name, value in fields.items():
        setattr(web.row, name, value)
    with pytest.raises(ValidationError):
        web.row.full_clean()
