using System.Diagnostics;
using System.Globalization;
using NativeMm.Platform;
using NativeMm.Runtime;
using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Running;

/// <summary>
/// All parts of the library at once: worlds that come and go, threads that do, and a rest every ten seconds at which everything must add up. The
/// choices of each thread repeat with the seed; how the threads interleave does not.
/// </summary>
internal sealed class SoakRun
{
    private const int LongSlots = 1200;
    private const int ShortSlots = 300;
    private const int ShortWorlds = 2;
    private static readonly TimeSpan s_restInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(120);

    private readonly SoakOptions _options;
    private readonly TextWriter _output;
    private readonly ShadowMap _shadow = new();
    private readonly Findings _findings = new();
    private readonly Chance _chance;
    private readonly ResidentDrift _drift = new();
    private readonly LimitVisits _limit;
    private readonly World?[] _worlds = new World?[2 + ShortWorlds];
    private int _made;
    private long _refusals;
    private ulong _residentAtFirst;

    public SoakRun(SoakOptions options, TextWriter output)
    {
        (_options, _output) = (options, output);
        _chance = new Chance(options.Seed ^ 0x5EED);
        _limit = new LimitVisits(options.LimitMebibytes);
    }

    /// <summary>Runs to the end.</summary>
    /// <returns>0, or 1 when something was found.</returns>
    public int Run()
    {
        _output.WriteLine(_options);
        MemoryRuntime.ConfigureShared(RuntimeOptions("shared", 256));
        _worlds[0] = new World("the shared runtime", MemoryRuntime.Shared, platform: null, _shadow, 1, LongSlots);
        for (int i = 1; i < _worlds.Length; i++)
        {
            _worlds[i] = MakeWorld(i);
        }

        var clock = Stopwatch.StartNew();
        var crew = new Crew(_options, AnyWorld, _findings);
        try
        {
            Watch(clock, crew);
        }
        catch (FindingException finding)
        {
            _findings.Note("rest", finding);
        }

        Guard("leaving the control group", _limit.Leave);
        bool stopped = crew.Stop(s_patience);
        if (!stopped && _findings.First is null)
        {
            _findings.Note("end", new FindingException("end", 0, "that all threads come back", $"that they do not: {crew.Doings}"));
        }

        if (_findings.First is null)
        {
            Guard("end", () =>
            {
                foreach (World? world in _worlds)
                {
                    End(world!);
                }
            });
        }

        return Tell(clock, crew);
    }

    private void Watch(Stopwatch clock, Crew crew)
    {
        TimeSpan lastRest = TimeSpan.Zero;
        long stepsAtRest = 0;
        bool canaryFlies = false;
        while ((clock.Elapsed < TimeSpan.FromSeconds(_options.Seconds) || (_options.Canary is not null && !canaryFlies)) && _findings.First is null)
        {
            Thread.Sleep(50);
            if (_chance.OneIn(40))
            {
                Guard("a world that goes", () => Replace(2 + _chance.Below(ShortWorlds), crew));
            }

            canaryFlies |= _options.Canary is { } canary && !canaryFlies && crew.Steps > 1000 && _worlds[1]!.Damage(canary);
            TimeSpan sinceRest = clock.Elapsed - lastRest;
            if (sinceRest >= s_restInterval)
            {
                double rate = (crew.Steps - stepsAtRest) / sinceRest.TotalMilliseconds;
                Guard("rest", () => Rest(clock, crew, rate));
                (lastRest, stepsAtRest) = (clock.Elapsed, crew.Steps);
            }
        }
    }

    /// <summary>Everybody stops; everything is looked at.</summary>
    private void Rest(Stopwatch clock, Crew crew, double thousandsPerSecond)
    {
        World[] worlds = [.. _worlds.OfType<World>()];
        foreach (World world in worlds)
        {
            Close(world, crew);
        }

        try
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            _ = ProcessMemory.ReadResident(out ulong resident);
            _residentAtFirst = _residentAtFirst == 0 ? resident : _residentAtFirst;
            _output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{clock.Elapsed.TotalSeconds,6:f0} s  {crew.Steps} steps ({thousandsPerSecond:f1} thousand/s), out of memory {crew.OutOfMemory}, refused {Refusals()}, "
                + $"threads {crew.Threads}, runtimes {_made + 1}, resident {resident >> 20} MiB ({((double)resident / _residentAtFirst) - 1:+0.0 %;-0.0 %}), managed {GC.GetTotalMemory(false) >> 20} MiB"));
            ulong committed = 0;
            foreach (World world in worlds)
            {
                RuntimeStatistics statistics = world.Validate(_chance);
                committed += statistics.CommittedBytes;
                Frames.FrameStatistics zone = statistics.Zone;
                _output.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"          {world.Name}: {zone.ManagedFrames} frames = {zone.FreeFrames} free + {zone.PerCoreFrames} per core + {zone.AllocatedFrames} allocated + {zone.IsolatedFrames} isolated; "
                    + $"{statistics.CommittedBytes >> 20} MiB committed = {statistics.InUseBytes >> 20} in use + {statistics.RetainedBytes >> 20} retained"));
                if (world.MostRefused() is { } refused)
                {
                    _output.WriteLine($"          {world.Name}: no memory most often for a {refused.Kind}, {refused.Count} times: {refused.Last}");
                }
            }

            long collector = GC.GetGCMemoryInfo().TotalCommittedBytes;
            _output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"          {committed >> 20} MiB committed in all, {((long)resident - (long)committed - collector) >> 20} MiB resident beside that and the {collector >> 20} MiB of the collector"));
            if (_drift.IsDue(clock.Elapsed))
            {
                _limit.Leave();
                Mark(clock, worlds);
            }

            _limit.NoteRest();
        }
        finally
        {
            foreach (World world in worlds)
            {
                world.Gate.ExitWriteLock();
            }
        }
    }

    /// <summary>Ends all that is in use and sees what is resident without it. Nobody is inside of the worlds.</summary>
    private void Mark(Stopwatch clock, World[] worlds)
    {
        foreach (World world in worlds)
        {
            world.Clear(_chance);
        }

        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        ulong committed = worlds.Aggregate(0UL, (sum, world) => sum + world.TrimAll());
        _ = ProcessMemory.ReadResident(out ulong resident);
        _output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{clock.Elapsed.TotalSeconds,6:f0} s  nothing in use: resident {resident >> 10} KiB; {committed >> 10} KiB committed, {GC.GetGCMemoryInfo().TotalCommittedBytes >> 10} KiB of the collector"));
        _drift.Note(clock.Elapsed, resident);
    }

    private void Replace(int place, Crew crew)
    {
        World world = _worlds[place]!;
        Close(world, crew);
        try
        {
            End(world);
        }
        finally
        {
            world.Gate.ExitWriteLock();
        }

        Volatile.Write(ref _worlds[place], MakeWorld(place));
    }

    private void End(World world)
    {
        world.End(_chance);
        _refusals += world.Platform?.Refusals ?? 0;
    }

    private static void Close(World world, Crew crew)
    {
        if (!world.Gate.TryEnterWriteLock(s_patience))
        {
            throw new FindingException(world.Name, 0, "that all leave it within two minutes", $"somebody who does not come back: {crew.Doings}");
        }
    }

    private World AnyWorld(Chance chance) => Volatile.Read(ref _worlds[chance.Below(_worlds.Length)])!;

    private World MakeWorld(int place)
    {
        for (int attempt = 1; ; attempt++)
        {
            int number = ++_made;
            var platform = new UnreliablePlatform(_options.Seed + (ulong)number, _options.RefusedPerThousand);
            bool isLong = place < 2;
            string name = string.Create(CultureInfo.InvariantCulture, $"runtime {number}");
            try
            {
                var runtime = new MemoryRuntime(RuntimeOptions(name, isLong ? 192UL : 64UL), platform, isShared: false);
                return new World(name, runtime, platform, _shadow, 1 + (place * LongSlots), isLong ? LongSlots : ShortSlots);
            }
            catch (OutOfMemoryException)
            {
                _refusals += platform.Refusals;
                if (platform.Leak() is { } leak)
                {
                    throw new FindingException($"{name}, which could not be made", 0, "that all address space and all files are given back", leak);
                }

                if (attempt == 1000)
                {
                    throw;
                }
            }
        }
    }

    private MemoryRuntimeOptions RuntimeOptions(string name, ulong mebibytes) => new()
    {
        Name = name,
        CapacityBytes = mebibytes << 20,
        FrameAllocator = _options.Allocator,
        PurgeDelay = TimeSpan.FromMilliseconds(50),
        LargeRetainBytesMax = 16 << 20,
        Vmap = new Vmap.VmapOptions { CapacityBytes = mebibytes << 18, PooledBytesMaxPerCore = 1 << 20 },
    };

    private long Refusals() => _refusals + _worlds.Sum(world => world?.Platform?.Refusals ?? 0);

    private void Guard(string who, Action work)
    {
        try
        {
            work();
        }
#pragma warning disable CA1031 // Whatever comes is a finding.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _findings.Note(who, exception);
        }
    }

    private int Tell(Stopwatch clock, Crew crew)
    {
        if (_findings.First is { } finding)
        {
            _output.WriteLine($"FOUND: {finding.Message}");
            _output.WriteLine(finding.StackTrace);
            _output.WriteLine($"Again: {_options}");
            return _options.Canary is null ? 1 : 0;
        }

        _output.WriteLine(_limit.Summary);
        _output.WriteLine(_drift.Share is { } share
            ? string.Create(CultureInfo.InvariantCulture, $"resident with nothing in use: {share:+0.0 %;-0.0 %} since the tenth minute, at most {_drift.ShareSeen:0.0 %} away at {_drift.Marks} marks")
            : "resident memory is held against that of the tenth minute from the twelfth on");
        _output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"clean: {clock.Elapsed.TotalSeconds:f0} s, {crew.Steps} steps, out of memory {crew.OutOfMemory}, refused {_refusals}, threads {crew.Threads}, runtimes {_made + 1}"));
        return _options.Canary is null ? 0 : 1;
    }
}
