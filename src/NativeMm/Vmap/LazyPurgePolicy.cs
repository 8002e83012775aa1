using System.Numerics;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <summary>
/// When freed ranges are unmapped, by whom, and how long the lock of the free space is held while they are given back. Counts are pages of
/// 4 KiB and pieces: freed ranges that touch are one piece.
/// </summary>
public sealed record LazyPurgePolicy
{
    /// <summary>Largest value of <see cref="LazyPagesMax"/>: 4 TiB.</summary>
    public const uint LazyPagesLimit = 1u << 30;

    /// <summary>Largest value of <see cref="LazyPiecesMax"/> and <see cref="LockReleaseBatch"/>.</summary>
    public const int PiecesLimit = 1 << 24;

    /// <summary>What pulls the trigger. Default <see cref="PurgeTrigger.PagesOrPieces"/>.</summary>
    public PurgeTrigger Trigger { get; init; } = PurgeTrigger.PagesOrPieces;

    /// <summary>
    /// Pages that may be outstanding before a purge. 0, the default, takes the kernel's formula: 32 MiB times the bits of the number of
    /// processors, so 8 192 pages for one processor, 16 384 for two or three, 24 576 for four to seven; and no more than a quarter of
    /// <see cref="VmapOptions.LazyBytesMax"/>, if that is set.
    /// </summary>
    public uint LazyPagesMax { get; init; }

    /// <summary>Pieces that may be outstanding before a purge, where the trigger counts them. Default 4096.</summary>
    public int LazyPiecesMax { get; init; } = 4096;

    /// <summary>When a purge lets go of the lock of the free space. Default <see cref="PurgeLockRelease.EveryBatch"/>.</summary>
    public PurgeLockRelease LockRelease { get; init; } = PurgeLockRelease.EveryBatch;

    /// <summary>Pieces between two releases of the lock. Default 100.</summary>
    public int LockReleaseBatch { get; init; } = 100;

    /// <summary>Who purges. Default <see cref="PurgeExecutor.Worker"/>.</summary>
    public PurgeExecutor Executor { get; init; } = PurgeExecutor.Worker;

    /// <summary>The kernel's number of pages that may be outstanding on a machine of so many processors.</summary>
    /// <param name="processors">1 or more.</param>
    /// <returns>Pages of 4096 bytes: 32 MiB of them for each binary digit of the number of processors.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is less than one processor.</exception>
    public static uint DefaultLazyPagesMax(int processors)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(processors, 1);
        const uint Unit = (32 << 20) >> Pfn.FrameShift;
        return ((uint)BitOperations.Log2((uint)processors) + 1) * Unit;
    }

    /// <summary>Checks every value.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of its range; the message names it, its value and the range.</exception>
    public void Validate()
    {
        Require(Trigger is PurgeTrigger.Pages or PurgeTrigger.PagesAndPieces or PurgeTrigger.PagesOrPieces, nameof(Trigger), Trigger, "a member of PurgeTrigger");
        Require(LazyPagesMax <= LazyPagesLimit, nameof(LazyPagesMax), LazyPagesMax, $"0 (automatic) to {LazyPagesLimit}");
        Require(LazyPiecesMax is >= 1 and <= PiecesLimit, nameof(LazyPiecesMax), LazyPiecesMax, $"1 to {PiecesLimit}");
        Require(LockRelease is PurgeLockRelease.EveryBatch or PurgeLockRelease.BelowThreshold or PurgeLockRelease.Never, nameof(LockRelease), LockRelease, "a member of PurgeLockRelease");
        Require(LockReleaseBatch is >= 1 and <= PiecesLimit, nameof(LockReleaseBatch), LockReleaseBatch, $"1 to {PiecesLimit}");
        Require(Executor is PurgeExecutor.Caller or PurgeExecutor.Worker or PurgeExecutor.WorkerPerLazyMax, nameof(Executor), Executor, "a member of PurgeExecutor");
    }

    /// <summary>Whether so much outstanding pulls the trigger.</summary>
    /// <param name="pages">Pages outstanding.</param>
    /// <param name="pieces">Pieces outstanding.</param>
    /// <param name="pagesMax">The bound in force.</param>
    internal bool IsDue(long pages, long pieces, long pagesMax) => Trigger switch
    {
        PurgeTrigger.Pages => pages > pagesMax,
        PurgeTrigger.PagesAndPieces => pages > pagesMax && pieces > LazyPiecesMax,
        _ => pages > pagesMax || pieces > LazyPiecesMax,
    };

    private static void Require(bool condition, string name, object value, string range)
    {
        if (!condition)
        {
            throw new ArgumentOutOfRangeException(name, value, $"{name} is {range}, not {value}.");
        }
    }
}
