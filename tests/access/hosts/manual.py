"""Hosts that serve people alone."""

from __future__ import annotations

from tests.access.hosts.fake import FakeHost


class Host(FakeHost):
    NAME = "manual"
    REF = "adni"
    SERVES = False
    SPEAKS_HTTP = False
    ALWAYS_NEEDS = True
    ADDRESSES = {
        url: url
        for url in (
            "https://ida.loni.usc.edu/collaboration/access/appApply.jsp?project=ADNI",
            "https://adni.loni.usc.edu/",
            "http://www.oasis-brains.org/",
            "https://db.humanconnectome.org/",
            "https://ieee-dataport.org/open-access/octa-500",
            "https://tianchi.aliyun.com/dataset/93666",
            "https://www.heywhale.com/mw/dataset/5ec3c6883241a100378d5d4a",
            "https://pan.baidu.com/s/1abc",
            "https://competitions.codalab.org/competitions/17094",
            "https://www.smir.ch/BRATS/Start2015",
            "https://www.mesa-nhlbi.org/",
            "https://academictorrents.com/details/x",
        )
    }
    NOT_MINE = ("https://example.org/", "http:///", "adni")
