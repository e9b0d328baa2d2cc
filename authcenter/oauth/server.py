from oauthlib.openid import Server as OpenIDServer


class Server(OpenIDServer):
    pass
