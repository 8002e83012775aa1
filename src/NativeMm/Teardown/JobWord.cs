namespace NativeMm.Teardown;

/// <summary>
/// The state word of a <see cref="TeardownJob"/>: bits 0 to 2 the phase, bits 8 to 15 the threads inside, bits 16 to 31 how often somebody came, so that who looked at
/// the pieces learns whether anybody has been there since. A value; its transitions are pure.
/// </summary>
internal readonly record struct JobWord(uint Bits)
{
    private const uint PhaseMask = 7;
    private const int InsideShift = 8;
    private const uint InsideMask = 0xff;
    private const uint One = 1 << InsideShift;
    private const uint OneEntry = 1 << 16;

    /// <summary>A word with nobody inside.</summary>
    public JobWord(JobPhase phase)
        : this((uint)phase)
    {
    }

    /// <summary>Where the job is.</summary>
    public JobPhase Phase => (JobPhase)(Bits & PhaseMask);

    /// <summary>Threads inside.</summary>
    public int Inside => (int)((Bits >> InsideShift) & InsideMask);

    /// <summary>Whether nobody works on it, and nobody will unless it is begun again.</summary>
    public bool HasEnded => Phase is JobPhase.Done or JobPhase.Abandoned;

    /// <summary>One thread more, if fewer than so many are inside.</summary>
    public bool TryEnter(int width, out JobWord next)
    {
        JobWord before = this;
        next = new JobWord(unchecked((before.Bits & ~PhaseMask) + One + OneEntry) | (uint)JobPhase.Running);
        return before.Phase is JobPhase.Queued or JobPhase.Running && before.Inside < width;
    }

    /// <summary>One thread less, which must not be the last one.</summary>
    public bool TryLeave(out JobWord next)
    {
        JobWord before = this;
        next = new JobWord(before.Bits - One);
        return before.Inside > 1;
    }

    /// <summary>The last thread finishes.</summary>
    public static JobWord Finishing => new(JobPhase.Finishing);
}
