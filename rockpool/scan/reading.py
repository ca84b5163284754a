"""What a stand-in needs to be read from besides SQL: tablets with their versions, scans, and the ports that serve them."""
from rockpool.scan.pins import Pins
from rockpool.scan.plan import Signer
from rockpool.scan.scanner import Scanner
from rockpool.scan.service import ScanPort
from rockpool.scan.tablets import Layout, Tablets, bucket_count


class Reading:
    def __init__(self, world, host):
        self.world = world
        self.signer = Signer(world.meta)
        self.tablets = Tablets(world.meta)
        self.pins = Pins(world, self.tablets)
        self.scanners = [Scanner(self, n) for n in range(2)]
        self.ports = [ScanPort(scanner, host) for scanner in self.scanners]
        self.flight = None
        self.thrift_wanted, self.flight_wanted = [0, 0], None  # port numbers; 0: a free one, None: no Arrow Flight
        world.storage.versions.on_reset += [self.tablets.reset, self.pins.forget]

    @property
    def version(self):
        return self.world.version

    def tablets_of(self, table):
        """[(partition, tablet id, number of the backend that is asked first)] of a table."""
        layout = Layout.known(self.world, self.tablets, table)
        width = bucket_count(table)
        return [(layout.parts[n // width], tablet, layout.backends(tablet)[0]) for n, tablet in enumerate(layout.ids)]

    async def start(self, guarded):
        """Opens the ports; what they add to the ready line. guarded(start, port, option) tells a taken port."""
        for port, number in zip(self.ports, self.thrift_wanted):
            await guarded(port.open(number), number, "--thrift")
        opened = {"thrift": [p.number for p in self.ports]}
        if self.flight_wanted is not None:
            from rockpool.scan.flight import FlightPort
            self.flight = FlightPort(self.world)
            opened["arrow_flight"] = await guarded(self.flight.open(self.flight_wanted), self.flight_wanted, "--arrow-flight")
        return opened

    def expire(self, at_once=False):
        """Called every second: drops idle scans, versions that nobody reads, tokens of Arrow Flight."""
        for scanner in self.scanners:
            scanner.expire(at_once=at_once)
        self.pins.tidy()

    async def stop(self):
        for scanner, port in zip(self.scanners, self.ports):
            await port.close()
            scanner.forget()
        if self.flight is not None:
            await self.flight.close()
        self.pins.stop()
