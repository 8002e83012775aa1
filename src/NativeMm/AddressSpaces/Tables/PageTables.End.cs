using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <content>The end of the tables.</content>
internal sealed unsafe partial class PageTables
{
    /// <summary>
    /// Frees all pages and tables. Nobody is to begin an access or a fault any more; those that are under way are waited for. What leases and pins hold stays until they
    /// end.
    /// </summary>
    public void Dispose() => Dispose(null);

    /// <summary>The same, with a job that does the most of it when it is much.</summary>
    /// <param name="release">The job, idle; null for none.</param>
    public void Dispose(TableRelease? release)
    {
        if (_root == SharedTables.Empty(RootLevel))
        {
            return;
        }

        _residency?.Stop();
        _prepared = default;
        if (release is not null && TryDetachAll(release))
        {
            release.Workers.Run(release);
        }
        else
        {
            DisposeHere();
        }

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
