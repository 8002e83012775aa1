// Purpose      state of 512 frames (2 MiB) in one word, so that counting, claiming and remembering what the OS has are one CAS.
// States       bit  0..9    used frames, 0..512, those on their way in or out included
//              bit 10..12   ChildState
//              bit 13       not-zero: some untouched granule may hold something (only told to the OS, not known to be taken)
//              bit 14..23   frames in isolated blocks up to order 8, 0..512; they are used frames too
//              bit 24..31   unswept rows: bit r is set when free frames of the row's partly used granules may be in memory
//              bit 32..63   touched granules: bit g is set when the OS may hold pages of the 16 frames from 16·g on
//              The word 0 is a fresh child: all free, all granules untouched, all known to be zero.
// Transitions  TryTake, TryPut             by whoever allocates or frees blocks up to order 8, who owns the bits in the bitmap too
//              TryTakeIsolated, TryPutIsolated, TryForgetIsolated  by reporters, the same way
//              TryPutBeside                by whoever frees while blocks of the child are isolated, after he made sure that his is none of them
//              TryClaimWhole, TryReleaseWhole  by whoever allocates, frees or isolates orders 9 and 10
//              TrySplit                    by the owner of a block of order 9, before he sets its bits in the bitmap
//              Touch                       by the owner of frames in an untouched granule, before its caller sees them
//              Report                      by the owner of whole granules, before their bits are released in the bitmap
//              TrySweep, MarkUnswept       by the reporter, before it looks at the row, and when it leaves something of it
// Ordering     see LockFreeFrameAllocator.cs.
// Reuse        every transition is a function of the word alone, so a CAS that meets an equal word after a change and back is right.
// Progress     lock-free: a failed CAS means that another thread's succeeded.

using System.Numerics;
using System.Runtime.CompilerServices;
using NativeMm.Diagnostics;
using NativeMm.Primitives;

namespace NativeMm.Frames;

/// <summary>
/// State word of one child: 512 frames. Pure transitions; <see cref="TryChange{TTransition}"/> is the only loop that applies them.
/// "Untouched" granules (64 KiB) are free and the operating system has their pages: the reported bit of architecture.md per granule.
/// </summary>
/// <param name="bits">The word.</param>
internal readonly struct ChildWord(ulong bits) : IEquatable<ChildWord>
{
    /// <summary>Frames of a child.</summary>
    public const uint Frames = 512;

    /// <summary>Frames of a granule: 64 KiB.</summary>
    public const int GranuleFrames = 16;

    /// <summary>Granules of a child.</summary>
    public const int Granules = (int)Frames / GranuleFrames;

    /// <summary>All granules of a child.</summary>
    public const uint AllGranules = uint.MaxValue;

    /// <summary>All rows of a child.</summary>
    public const uint AllRows = (1 << BitmapRow.PerChild) - 1;

    private const ulong UsedMask = 0x3FF;
    private const int StateShift = 10;
    private const ulong StateMask = 0x7UL << StateShift;
    private const ulong NotZeroBit = 1UL << 13;
    private const int IsolatedShift = 14;
    private const ulong IsolatedMask = 0x3FFUL << IsolatedShift;
    private const int UnsweptShift = 24;
    private const int TouchedShift = 32;

    private readonly ulong _bits = bits;

    /// <summary>The word as it lies in memory.</summary>
    public ulong Bits => _bits;

    /// <summary>Frames that are taken, about to be taken, or not yet counted back.</summary>
    public uint Used => (uint)(_bits & UsedMask);

    /// <summary>Frames that may be taken.</summary>
    public uint Free => Frames - Used;

    /// <summary>Frames of isolated blocks up to order 8; a child that is isolated as a whole has a state that says so.</summary>
    public uint Isolated => (uint)((_bits & IsolatedMask) >> IsolatedShift);

    /// <summary>
    /// Rows of which free frames in partly used granules may be in memory: frames were freed there since their single frames were last told of.
    /// The free frames of such granules in the other rows went to the operating system.
    /// </summary>
    public uint Unswept => (uint)(_bits >> UnsweptShift) & AllRows;

    /// <summary>What the frames are used as.</summary>
    public ChildState State => (ChildState)((_bits & StateMask) >> StateShift);

    /// <summary>Granules whose pages the operating system may still hold.</summary>
    public uint Touched => (uint)(_bits >> TouchedShift);

    /// <summary>Frames of these granules.</summary>
    public uint TouchedFrames => (uint)(GranuleFrames * BitOperations.PopCount(Touched));

    /// <summary>Granules that are wholly free and cost no memory.</summary>
    public uint Untouched => ~Touched;

    /// <summary>Whether nobody uses any frame: only this state can be claimed as a whole.</summary>
    public bool IsEntirelyFree => (_bits & (UsedMask | StateMask)) == 0;

    /// <summary>Whether every untouched granule reads as zero.</summary>
    public bool IsUntouchedZero => (_bits & NotZeroBit) == 0;

    /// <summary>
    /// Free frames in touched granules. An estimate while frames of an untouched granule are being taken (it may then be too small,
    /// even negative), exact at rest.
    /// </summary>
    public int FreeTouched => (int)Free - (GranuleFrames * BitOperations.PopCount(Untouched));

    /// <summary>A child that the zone does not have.</summary>
    public static ChildWord Absent => Whole(ChildState.Absent);

    /// <summary>Whether the untouched granules cover all of the given ones and read as zero.</summary>
    public bool IsKnownZero(uint granules) => (Touched & granules) == 0 && IsUntouchedZero;

    /// <summary>Counts frames out, before their bits are set.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryTake(uint frames, out ChildWord next)
    {
        // Every state but Frames has all 512 in use, so the count alone decides.
        next = new ChildWord(_bits + frames);
        return Used + frames <= Frames;
    }

    /// <summary>Counts frames in, after their bits are cleared. Refuses while any block of the child is isolated: the one freed may be it.</summary>
    /// <param name="frames">How many.</param>
    /// <param name="rows">Rows that they lie in, as far as somebody may have written to them.</param>
    /// <param name="next">The word after.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryPut(uint frames, uint rows, out ChildWord next)
    {
        next = new ChildWord((_bits - frames) | ((ulong)rows << UnsweptShift));
        return (_bits & (StateMask | IsolatedMask)) == 0 && Used >= frames;
    }

    /// <summary>Counts frames in that do not belong to an isolated block.</summary>
    /// <inheritdoc cref="TryPut"/>
    public bool TryPutBeside(uint frames, uint rows, out ChildWord next)
    {
        next = new ChildWord((_bits - frames) | ((ulong)rows << UnsweptShift));
        return (_bits & StateMask) == 0 && Used - Isolated >= frames;
    }

    /// <summary>Counts the frames of a block out that is about to be isolated, before their bits are set.</summary>
    public bool TryTakeIsolated(uint frames, out ChildWord next)
    {
        next = new ChildWord(_bits + frames + ((ulong)frames << IsolatedShift));
        return Used + frames <= Frames;
    }

    /// <summary>Counts the frames of an isolated block in, after their bits are cleared.</summary>
    /// <inheritdoc cref="TryPut"/>
    public bool TryPutIsolated(uint frames, uint rows, out ChildWord next)
    {
        next = new ChildWord((_bits - frames - ((ulong)frames << IsolatedShift)) | ((ulong)rows << UnsweptShift));
        return (_bits & StateMask) == 0 && Isolated >= frames;
    }

    /// <summary>Frames of an isolated block were freed by mistake and counted in: the block is isolated no more.</summary>
    public bool TryForgetIsolated(uint frames, out ChildWord next)
    {
        next = new ChildWord(_bits - ((ulong)frames << IsolatedShift));
        return (_bits & StateMask) == 0 && Isolated >= frames;
    }

    /// <summary>Takes all 512 frames as one.</summary>
    public bool TryClaimWhole(ChildState state, out ChildWord next)
    {
        next = Whole(state);
        return IsEntirelyFree;
    }

    /// <summary>Gives all 512 frames back.</summary>
    /// <param name="state">What they were claimed as.</param>
    /// <param name="content">What became of the pages.</param>
    /// <param name="next">The word after.</param>
    public bool TryReleaseWhole(ChildState state, FrameContent content, out ChildWord next)
    {
        next = content switch
        {
            FrameContent.ReportedZero => default,
            FrameContent.Reported => new ChildWord(NotZeroBit),
            _ => new ChildWord(((ulong)AllGranules << TouchedShift) | ((ulong)AllRows << UnsweptShift)),
        };
        return State == state;
    }

    /// <summary>Makes 512 frames that are taken of one block of order 9, before their bits are set.</summary>
    public bool TrySplit(out ChildWord next)
    {
        next = new ChildWord(_bits & ~StateMask);
        return State == ChildState.Huge;
    }

    /// <summary>The granules are about to be written: the operating system will hold their pages.</summary>
    public ChildWord Touch(uint granules)
    {
        ulong touched = _bits | ((ulong)granules << TouchedShift);
        return new ChildWord((uint)(touched >> TouchedShift) == AllGranules ? touched & ~NotZeroBit : touched);
    }

    /// <summary>
    /// The operating system has the granules. The not-zero bit speaks for all untouched granules together: it is set by the first one that
    /// is not known to be zero, and goes when none is left.
    /// </summary>
    public ChildWord Report(uint granules, bool zero)
    {
        ulong reported = _bits & ~((ulong)granules << TouchedShift);
        return new ChildWord(zero || granules == 0 ? reported : reported | NotZeroBit);
    }

    /// <summary>The reporter is about to look for single frames in rows.</summary>
    public bool TrySweep(uint rows, out ChildWord next)
    {
        next = new ChildWord(_bits & ~((ulong)rows << UnsweptShift));
        return State == ChildState.Frames && (Unswept & rows) != 0;
    }

    /// <summary>Free frames of rows may be in memory.</summary>
    public ChildWord MarkUnswept(uint rows) => new(_bits | ((ulong)rows << UnsweptShift));

    /// <summary>Applies a transition to a word in memory: the one CAS loop of this word.</summary>
    /// <param name="cell">The word.</param>
    /// <param name="transition">What to do.</param>
    /// <param name="before">The word that the transition replaced, or the one that refused it.</param>
    /// <returns>Whether the transition was possible.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryChange<TTransition>(ref ulong cell, TTransition transition, out ChildWord before)
        where TTransition : struct, IChildTransition
    {
        var word = new ChildWord(Atomic.LoadAcquire(ref cell));
        while (transition.TryApply(word, out ChildWord next))
        {
            ulong seen = Atomic.CompareExchangeValue(ref cell, word._bits, next._bits);
            if (seen == word._bits)
            {
                Invariant.Assert(word.IsWhole, $"A child was {word}, and became {next}.");
                Invariant.Assert(next.IsWhole, $"A child became {next}, from {word}.");
                before = word;
                return true;
            }

            word = new ChildWord(seen);
        }

        before = word;
        return false;
    }

    /// <inheritdoc/>
    public bool Equals(ChildWord other) => _bits == other._bits;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is ChildWord other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _bits.GetHashCode();

    /// <inheritdoc/>
    public override string ToString() =>
        $"{State}, {Used} used, {Isolated} of them isolated, touched 0x{Touched:x8}{(IsUntouchedZero ? string.Empty : ", untouched not zero")}";

    /// <summary>What holds of a child's word at any moment, whatever the transition.</summary>
    public bool IsWhole =>
        Used <= Frames
        && Isolated <= Used
        && (State == ChildState.Frames || (Used == Frames && Isolated == 0))
        && (IsUntouchedZero || Untouched != 0);

    private static ChildWord Whole(ChildState state) =>
        new(((ulong)AllGranules << TouchedShift) | ((ulong)state << StateShift) | Frames);
}
