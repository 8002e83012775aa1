using NativeMm.Diagnostics;
using NativeMm.Primitives;
using NativeMm.Teardown;

namespace NativeMm.AddressSpaces;

/// <summary>What was taken out of a space and is not given back yet. Its tables stay until there is none. Thread-safe.</summary>
internal sealed class TableReleases
{
    private SpinLock<NoLockStatistics> _lock;
    private TableRelease? _first;

    /// <summary>One more; its writer calls it before anybody works on it.</summary>
    public void Add(TableRelease release)
    {
        _lock.Enter();
        Invariant.Assert(release != _first && release.NextOfSpace is null && release.IsAttached, "A release is added twice, or has nothing to release.");
        release.NextOfSpace = _first;
        _first = release;
        _lock.Exit();
    }

    /// <summary>One less. Whoever says so does not touch the tables any more.</summary>
    public void Remove(TableRelease release)
    {
        _lock.Enter();
        if (_first == release)
        {
            _first = release.NextOfSpace;
        }
        else
        {
            TableRelease? before = _first;
            while (before is not null && before.NextOfSpace != release)
            {
                before = before.NextOfSpace;
            }

            Invariant.Assert(before is not null, "A release ends that is not in the list of its space.");
            if (before is not null)
            {
                before.NextOfSpace = release.NextOfSpace;
            }
        }

        release.NextOfSpace = null;
        _lock.Exit();
    }

    /// <summary>Has those go on in the background that were cancelled.</summary>
    public void Resume()
    {
        TableRelease? release;
        while ((release = Find(static release => release.Phase == JobPhase.Abandoned)) is not null)
        {
            release.TryResume(waits: false);
        }
    }

    /// <summary>Whether the calling thread is inside of a listener of one of them: who waits there for all of them waits for himself.</summary>
    public bool IsReportingHere => Find(static release => release.IsReportingHere) is not null;

    /// <summary>Does or awaits all of them. No other one may come. Never fails.</summary>
    /// <param name="watch">Who looks on, and may stop it between two steps; null for nobody.</param>
    /// <returns>False when it was stopped.</returns>
    public bool Finish(ReleaseWatch? watch)
    {
        var backoff = default(Backoff);
        TableRelease? release;
        while ((release = Find(static _ => true)) is not null)
        {
            if (watch is { IsCancelled: true })
            {
                return false;
            }

            release.TryResume(waits: true, watch);
            if (release.HasWork)
            {
                release.Workers.AwaitEnd(release);
            }

            backoff.Wait();
        }

        return true;
    }

    private TableRelease? Find(Func<TableRelease, bool> which)
    {
        _lock.Enter();
        TableRelease? release = _first;
        while (release is not null && !which(release))
        {
            release = release.NextOfSpace;
        }

        _lock.Exit();
        return release;
    }
}
