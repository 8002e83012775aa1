namespace NativeMm.Primitives;

/// <summary>While it lives, nothing that its thread can reach in the domain is reclaimed. Dispose it on the thread that made it, soon.</summary>
internal readonly ref struct EpochGuard
{
    private readonly EpochParticipant _participant;

    internal EpochGuard(EpochParticipant participant) => _participant = participant;

    /// <summary>Leaves.</summary>
    public void Dispose() => _participant.Exit();
}
