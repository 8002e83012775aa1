using NativeMm.Diagnostics;
using NativeMm.Primitives;
using NativeMm.Teardown;

namespace NativeMm.AddressSpaces;

/// <content>The end of the tables.</content>
internal sealed unsafe partial class PageTables
{
    private bool _isEnding;

    /// <summary>
    /// Frees all pages and tables. Nobody is to begin an access or a fault any more; those that are under way are waited for. What leases and pins hold stays until they
    /// end.
    /// </summary>
    public void Dispose() => TryDispose(null, null, out _);

    /// <summary>The same, with a job that does the most of it when it is much, and may be stopped between two steps. Then the next call goes on, with no release left.</summary>
    /// <param name="release">The job, idle; null for none.</param>
    /// <param name="watch">Who looks on; null for nobody.</param>
    /// <param name="failure">The first exception of a step. Everything else was given back all the same.</param>
    /// <returns>False when it was stopped.</returns>
    public bool TryDispose(TableRelease? release, ReleaseWatch? watch, out Exception? failure)
    {
        failure = null;
        if (_root == SharedTables.Empty(RootLevel) && !_isEnding)
        {
            return true;
        }

        _isEnding = true;
        _residency?.Stop();
        _prepared = default;
        if (_root != SharedTables.Empty(RootLevel))
        {
            if (release is not null && TryDetachAll(release))
            {
                failure = RunToEnd(release, watch);
                if (release.Phase == JobPhase.Abandoned)
                {
                    return false;
                }
            }
            else
            {
                DisposeHere();
            }
        }

        _isEnding = false;
        if (_announced != 0)
        {
            release!.Workers.Ledger.AddReleasingFrames(-_announced);
            _announced = 0;
        }

        _residency?.Dispose();
        _residency = null;
        if (_deferred.Flush() == 0)
        {
            EndDeferred();
        }
        else
        {
            _swap = null;
            Orphans.Add(this);
        }

        Orphans.Flush();
        return true;
    }

    private static Exception? RunToEnd(TableRelease release, ReleaseWatch? watch)
    {
        if (watch is not null)
        {
            watch.Run(release);
        }
        else
        {
            release.Workers.RunToEnd(release);
        }

        return release.Failure;
    }

    /// <summary>Gives up what was kept for those who had hazards when the tables ended.</summary>
    public void EndDeferred()
    {
        _deferred.End();
        _leaves.Release(_zone.Platform);
        _leaves = default;
    }

    private void DisposeHere()
    {
        Clear(new VpnRange(0, Pages));
        ulong* root = _root;
        _root = SharedTables.Empty(RootLevel);
        Invariant.Assert(HeadOf(root).Population == 0, $"The root goes with {HeadOf(root).Population} tables.");
        Span<ulong> words = stackalloc ulong[Hazards.Capacity];
        var hazards = Hazards.Look(Key, words);
        if (!hazards.IsEmpty)
        {
            Hazards.AwaitAccesses(Key, 0, Pages);
            hazards = Hazards.LookAgain(Key, words);
        }

        if (hazards.IsEmpty)
        {
            FreeTable(root);
        }
        else
        {
            _deferred.AddTable(0, RootLevel, root);
        }
    }
}
