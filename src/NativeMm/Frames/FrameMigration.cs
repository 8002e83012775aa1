using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>
/// Empties blocks of 2 MiB that are partly in use, by asking those who can move their frames. Thread-safe; two callers that empty the same block
/// only get in each other's way.
/// </summary>
/// <param name="frames">The allocator of the zone. As long as it lives, an allocation that is about to fail waits for the frames held here.</param>
/// <remarks>
/// No list says whose a frame is: each migrator is asked in turn and answers from a table of its own, which costs him a few bytes a frame instead of
/// a descriptor's line.
/// </remarks>
/// <exception cref="ArgumentNullException">The allocator is null.</exception>
public sealed partial class FrameMigration(IFrameAllocator frames) : IPatientShrinker
{
    // Who holds frames for a moment. [M1] goes up before the first is taken, [M2] down after the last is free: whoever finds nobody [M3] after his
    // allocation failed can have them by trying again.
    private int _holders;
    private readonly Registrations<IFrameMigrator> _migrators = frames is null ? throw new ArgumentNullException(nameof(frames)) : new();

    /// <summary>Registers somebody who can move his frames.</summary>
    /// <param name="migrator">Whom to ask from now on.</param>
    /// <exception cref="ArgumentNullException">The migrator is null.</exception>
    public void Add(IFrameMigrator migrator)
    {
        ArgumentNullException.ThrowIfNull(migrator);
        _migrators.Add(migrator);
    }

    /// <summary>Removes a registered migrator. A call to it may still be under way.</summary>
    /// <param name="migrator">One that was registered; another is left alone.</param>
    /// <exception cref="ArgumentNullException">The migrator is null.</exception>
    public void Remove(IFrameMigrator migrator)
    {
        ArgumentNullException.ThrowIfNull(migrator);
        _migrators.Remove(migrator);
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
        var held = new List<Pfn>((int)size);
        Atomic.Add(ref _holders, 1); // [M1]
        uint end = uint.Min(block.Value + size, frames.Zone.FrameCount);
        IFrameMigrator?[] migrators = _migrators.Places;
        Pfn target = Pfn.None;
        try
        {
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
        }
        finally
        {
            // Held until here, so that nobody takes what was just emptied; and given back whatever a migrator throws.
            if (target != Pfn.None)
            {
                frames.Free(target, Order.Zero);
            }

            foreach (Pfn frame in held)
            {
                frames.Free(frame, Order.Zero);
            }

            Invariant.Assert(Atomic.LoadAcquire(ref _holders) > 0, $"Frames are let go, and {_holders} hold some.");
            Atomic.Add(ref _holders, -1); // [M2]
        }

        frames.Drain();
        return IsFree(block);
    }

    /// <inheritdoc/>
    ulong IShrinker.Shrink(ulong framesWanted) =>
        ((IPatientShrinker)this).Shrink(framesWanted, Environment.TickCount64 + (long)ShrinkerList.DefaultPatience.TotalMilliseconds);

    /// <inheritdoc/>
    /// <remarks>It has nothing to give but what it holds for a moment, which is waited for.</remarks>
    ulong IPatientShrinker.Shrink(ulong framesWanted, long deadline)
    {
        var backoff = default(Backoff);
        while (Atomic.LoadAcquire(ref _holders) != 0 && Environment.TickCount64 < deadline) // [M3]
        {
            backoff.Wait();
        }

        return 0;
    }

    private static bool TryMigrate(IFrameMigrator?[] migrators, Pfn frame, Pfn target)
    {
        foreach (IFrameMigrator? migrator in migrators)
        {
            if (migrator is not null && migrator.TryMigrate(frame, target))
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
