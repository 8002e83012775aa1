using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>
/// Empties blocks of 2 MiB that are partly in use, by asking those who can move their frames. Thread-safe; two callers that empty the same block
/// only get in each other's way.
/// </summary>
/// <param name="frames">The allocator of the zone.</param>
/// <remarks>
/// No list says whose a frame is: each migrator is asked in turn and answers from a table of its own, which costs him a few bytes a frame instead of
/// a descriptor's line.
/// </remarks>
public sealed class FrameMigration(IFrameAllocator frames)
{
    private SleepLock _writers;
    private IFrameMigrator[] _migrators = [];

    /// <summary>Registers somebody who can move his frames.</summary>
    public void Add(IFrameMigrator migrator)
    {
        ArgumentNullException.ThrowIfNull(migrator);
        using (_writers.EnterScope())
        {
            Atomic.StoreRelease(ref _migrators, [.. _migrators, migrator]);
        }
    }

    /// <summary>Removes a registered migrator. A call to it may still be under way.</summary>
    public void Remove(IFrameMigrator migrator)
    {
        ArgumentNullException.ThrowIfNull(migrator);
        using (_writers.EnterScope())
        {
            int at = Array.IndexOf(_migrators, migrator);
            if (at >= 0)
            {
                Atomic.StoreRelease(ref _migrators, [.. _migrators.AsSpan(0, at), .. _migrators.AsSpan(at + 1)]);
            }
        }
    }

    /// <summary>
    /// Moves what can be moved out of a block. Frames of others, and frames in use at this moment, stay. Never runs the shrinkers.
    /// </summary>
    /// <param name="block">First frame of the block, a multiple of 512.</param>
    /// <param name="moved">How many frames were moved out.</param>
    /// <returns>Whether the whole block is free now; another thread may take frames of it the moment after.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="block"/> is not the start of a block of the zone.</exception>
    public bool TryEmpty(Pfn block, out int moved)
    {
        uint size = Order.Huge.Frames;
        if (block.Value % size != 0 || block.Value >= frames.Zone.FrameCount)
        {
            throw new ArgumentOutOfRangeException(
                nameof(block), block, $"A block begins at a multiple of {size} below {frames.Zone.FrameCount}, not at {block}.");
        }

        moved = 0;
        var held = new List<Pfn>();
        uint end = uint.Min(block.Value + size, frames.Zone.FrameCount);
        IFrameMigrator[] migrators = Atomic.LoadAcquire(ref _migrators);
        Pfn target = Pfn.None;
        for (uint frame = block.Value; frame < end; frame++)
        {
            if (target == Pfn.None && !TryFindTarget(block, held, out target))
            {
                break;
            }

            if (TryMigrate(migrators, new Pfn(frame), target))
            {
                held.Add(new Pfn(frame));
                target = Pfn.None;
                moved++;
            }
        }

        if (target != Pfn.None)
        {
            held.Add(target);
        }

        // Held until the end, so that nobody could take what was just emptied.
        foreach (Pfn frame in held)
        {
            frames.Free(frame, Order.Zero);
        }

        frames.Drain();
        return IsFree(block);
    }

    private static bool TryMigrate(IFrameMigrator[] migrators, Pfn frame, Pfn target)
    {
        foreach (IFrameMigrator migrator in migrators)
        {
            if (migrator.TryMigrate(frame, target))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>A frame outside of the block. Those inside that come first are held: they are out of everybody's way there.</summary>
    private bool TryFindTarget(Pfn block, List<Pfn> held, out Pfn target)
    {
        while (frames.TryAllocate(Order.Zero, FrameFlags.Movable | FrameFlags.NoReclaim, out target, out _))
        {
            if (target.Value - block.Value >= Order.Huge.Frames)
            {
                return true;
            }

            held.Add(target);
        }

        target = Pfn.None;
        return false;
    }

    /// <summary>Whether a block can be taken out as a whole. It was in use, so the system has its pages and the allocator offers it.</summary>
    private bool IsFree(Pfn block)
    {
        Span<Pfn> found = stackalloc Pfn[1];
        uint cursor = block.Value;
        if (frames.Isolate(Order.Huge, found, ref cursor) == 0)
        {
            return false;
        }

        frames.PutBack(found, Order.Huge, FrameContent.Unknown);
        return found[0] == block;
    }
}
