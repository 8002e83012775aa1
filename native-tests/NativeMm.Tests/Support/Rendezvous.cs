using Xunit;

namespace NativeMm.Tests.Support;

/// <summary>One thread stops at a place inside an operation until the test lets it go on. Every wait has a timeout.</summary>
/// <param name="timeout">How long either side waits.</param>
public sealed class Rendezvous(TimeSpan timeout) : IDisposable
{
    private readonly ManualResetEventSlim _arrived = new();
    private readonly ManualResetEventSlim _released = new();

    /// <summary>Called by the thread that stops.</summary>
    public void Wait()
    {
        _arrived.Set();
        Assert.True(_released.Wait(timeout), "Nobody let the operation go on.");
    }

    /// <summary>Waits until the thread is there.</summary>
    public void AwaitArrival() => Assert.True(_arrived.Wait(timeout), "The operation did not get there.");

    /// <summary>Lets the thread go on.</summary>
    public void Release() => _released.Set();

    public void Dispose()
    {
        _arrived.Dispose();
        _released.Dispose();
    }
}
