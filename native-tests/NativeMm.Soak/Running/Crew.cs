using System.Globalization;
using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Running;

/// <summary>The threads that work: each lives for a moment, dies with its caches full, and is followed by another. Thread-safe.</summary>
internal sealed class Crew
{
    private const int StepsPerVisit = 64;
    private const int LifeVisitsMax = 400;
    private readonly Func<Chance, World> _anyWorld;
    private readonly Findings _findings;
    private readonly List<Thread> _lines = [];
    private readonly string[] _doings;
    private bool _stops;
    private long _steps;
    private long _outOfMemory;
    private long _threads;

    public Crew(SoakOptions options, Func<Chance, World> anyWorld, Findings findings)
    {
        (_anyWorld, _findings) = (anyWorld, findings);
        _doings = new string[options.Threads + 2];
        var chance = new Chance(options.Seed);
        for (int i = 0; i < options.Threads; i++)
        {
            Chance own = chance.Fork(i + 1);
            int line = i;
            Begin($"line {i}", () => Succeed(line, own));
        }

        Begin("scanner", () => Repeat(options.Threads, chance.Fork(-1), static (world, place, own) => world.Scan(place, own), pause: 0));
        Begin("trimmer", () => Repeat(options.Threads + 1, chance.Fork(-2), static (world, _, own) => world.Trim(own), pause: 5));
    }

    /// <summary>Steps so far.</summary>
    public long Steps => Volatile.Read(ref _steps);

    /// <summary>Steps that found no memory.</summary>
    public long OutOfMemory => Volatile.Read(ref _outOfMemory);

    /// <summary>Threads that were made.</summary>
    public long Threads => Volatile.Read(ref _threads);

    /// <summary>What each is at, for whoever waits for them in vain.</summary>
    public string Doings => string.Join(", ", _doings);

    /// <summary>Ends all.</summary>
    /// <returns>Whether all came back in time.</returns>
    public bool Stop(TimeSpan patience)
    {
        Volatile.Write(ref _stops, true);
        return _lines.TrueForAll(line => line.Join(patience));
    }

    private bool MayGoOn => !Volatile.Read(ref _stops) && _findings.First is null;

    private void Begin(string name, Action work)
    {
        var thread = new Thread(() => work()) { Name = name, IsBackground = true };
        _lines.Add(thread);
        thread.Start();
    }

    private void Succeed(int line, Chance chance)
    {
        while (MayGoOn)
        {
            var life = new Thread(() => Live(line, chance)) { Name = string.Create(CultureInfo.InvariantCulture, $"line {line}"), IsBackground = true };
            Interlocked.Increment(ref _threads);
            life.Start();
            life.Join();
        }
    }

    private void Live(int line, Chance chance)
    {
        for (int visits = chance.Between(1, LifeVisitsMax); visits > 0 && MayGoOn; visits--)
        {
            Visit(line, chance, world =>
            {
                int refused = 0;
                for (int i = 0; i < StepsPerVisit; i++)
                {
                    refused += world.Step(chance) ? 0 : 1;
                }

                Interlocked.Add(ref _steps, StepsPerVisit);
                Interlocked.Add(ref _outOfMemory, refused);
            });
        }
    }

    private void Repeat(int line, Chance chance, Action<World, int, Chance> work, int pause)
    {
        for (int place = 0; MayGoOn; place++)
        {
            int at = place;
            Visit(line, chance, world => work(world, at, chance));
            Thread.Sleep(place % 16 == 0 ? pause : 0);
        }
    }

    private void Visit(int line, Chance chance, Action<World> work)
    {
        World world = _anyWorld(chance);
        if (!world.Gate.TryEnterReadLock(TimeSpan.FromMilliseconds(10)))
        {
            return;
        }

        try
        {
            if (!world.IsGone)
            {
                _doings[line] = $"{Thread.CurrentThread.Name} in {world.Name}";
                work(world);
                _doings[line] = "outside";
            }
        }
#pragma warning disable CA1031 // Whatever comes is a finding.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _findings.Note($"{Thread.CurrentThread.Name} in {world.Name}", exception);
        }
        finally
        {
            world.Gate.ExitReadLock();
        }
    }
}
