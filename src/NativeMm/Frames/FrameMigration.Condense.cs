using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <content>Moving frames together: sparse blocks are emptied into dense ones, so that their memory can go back as a whole.</content>
public sealed partial class FrameMigration
{
    /// <summary>Waste that is left alone: 2 MiB, as the reporter does by default.</summary>
    internal const ulong WasteFramesMin = 512;

    // What is free between frames in use may be one in so many of those, before they are moved together and after.
    private const ulong WasteDivisor = 20;

    private readonly List<SparseBlock> _sparse = [];

    /// <summary>
    /// Moves frames out of the sparsest blocks into the densest ones, if more memory lies idle between frames in use than a twentieth of them. Only
    /// blocks whose frames can all be moved give or take any. One caller at a time; it makes a list and holds frames while it runs.
    /// </summary>
    /// <param name="framesMax">Most frames to move.</param>
    /// <param name="excess">Frames that nobody is likely to need soon. With fewer than would be gained, nothing is moved.</param>
    /// <returns>How many frames were moved.</returns>
    internal int Condense(int framesMax, ulong excess)
    {
        if (frames is not IBlockedFrames blocks || !FindSparse(blocks, out ulong used, out ulong held))
        {
            return 0;
        }

        ulong wanted = Math.Max(WasteFramesMin, used / WasteDivisor);
        if (held <= wanted || excess <= wanted)
        {
            return 0;
        }

        _sparse.Sort();
        int moved = 0;
        int target = _sparse.Count - 1;
        for (int source = 0; source < target && moved < framesMax && held > wanted && HasRoom(source, target); source++)
        {
            moved += Empty(blocks, _sparse[source].Block, source, ref target);
            held -= Math.Min(held, _sparse[source].Held);
        }

        return moved;
    }

    /// <summary>Lists the blocks that are used in part by frames of the migrators alone.</summary>
    private bool FindSparse(IBlockedFrames blocks, out ulong used, out ulong held)
    {
        _sparse.Clear();
        (used, held) = (0, 0);
        IFrameMigrator?[] migrators = _migrators.Places;
        if (!HasFrames(migrators))
        {
            return false;
        }

        uint count = blocks.BlockCount;
        for (uint block = 0; block < count; block++)
        {
            uint usedHere = blocks.UsedOf(block, out uint heldHere);
            if (usedHere != 0 && heldHere != 0 && CountMovable(migrators, block) == usedHere)
            {
                _sparse.Add(new SparseBlock(block, usedHere, heldHere));
                used += usedHere;
                held += heldHere;
            }
        }

        return _sparse.Count > 1;
    }

    private static bool HasFrames(IFrameMigrator?[] migrators)
    {
        foreach (IFrameMigrator? migrator in migrators)
        {
            if (migrator is IFrameCensus { HasFrames: true })
            {
                return true;
            }
        }

        return false;
    }

    private static uint CountMovable(IFrameMigrator?[] migrators, uint block)
    {
        uint count = 0;
        foreach (IFrameMigrator? migrator in migrators)
        {
            count += (migrator as IFrameCensus)?.CountFrames(new Pfn(block * Order.Huge.Frames), Order.Huge.Frames) ?? 0;
        }

        return count;
    }

    /// <summary>Whether all frames of a block fit into the free ones of denser blocks. Half a move gains nothing.</summary>
    private bool HasRoom(int source, int target)
    {
        Invariant.Assert(source < target && target < _sparse.Count, $"Block {source} of {_sparse.Count} is to go into those up to {target}.");
        ulong room = 0;
        for (int i = target; i > source && room < _sparse[source].Used; i--)
        {
            room += _sparse[i].Held;
        }

        return room >= _sparse[source].Used;
    }

    /// <summary>Moves what can be moved out of a block into denser ones.</summary>
    private int Empty(IBlockedFrames blocks, uint block, int source, ref int target)
    {
        Span<Pfn> held = stackalloc Pfn[(int)Order.Huge.Frames];
        int count = 0;
        IFrameMigrator?[] migrators = _migrators.Places;
        Pfn place = Pfn.None;
        Atomic.Add(ref _holders, 1); // [M1]
        try
        {
            for (uint frame = block * Order.Huge.Frames; frame < (block + 1) * Order.Huge.Frames; frame++)
            {
                while (place == Pfn.None && target > source && !blocks.TryTakeOf(_sparse[target].Block, out place))
                {
                    target--;
                }

                if (place == Pfn.None)
                {
                    break;
                }

                if (TryMigrate(migrators, new Pfn(frame), place))
                {
                    held[count++] = new Pfn(frame);
                    place = Pfn.None;
                }
            }
        }
        finally
        {
            // Held until here, so that nobody takes what was just emptied; and given back whatever a migrator throws.
            if (place != Pfn.None)
            {
                frames.Free(place, Order.Zero);
            }

            frames.FreeBulk(held[..count], Order.Zero);
            Invariant.Assert(Atomic.LoadAcquire(ref _holders) > 0, $"Frames are let go, and {_holders} hold some.");
            Atomic.Add(ref _holders, -1); // [M2]
        }

        return count;
    }
}
