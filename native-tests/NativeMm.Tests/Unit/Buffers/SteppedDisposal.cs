namespace NativeMm.Tests.Unit.Buffers;

/// <summary>Disposes something in its finalizer, and then stops that thread until a test has made its move.</summary>
internal sealed class SteppedDisposal(SemaphoreSlim disposed, SemaphoreSlim moved)
{
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(30);

    ~SteppedDisposal()
    {
        Victim?.Dispose();
        disposed.Release();
        moved.Wait(s_timeout);
    }

    /// <summary>What is disposed.</summary>
    public IDisposable? Victim { get; set; }
}
