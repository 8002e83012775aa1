namespace NativeMm.Tests.Support.Caching;

/// <summary>A clock that stands still until it is told to go on. Thread-safe.</summary>
public sealed class TestClock : TimeProvider
{
    private long _ticks = new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero).UtcTicks;

    /// <summary>The time now.</summary>
    public DateTimeOffset Now => GetUtcNow();

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => new(Interlocked.Read(ref _ticks), TimeSpan.Zero);

    /// <summary>Goes on.</summary>
    public void Advance(TimeSpan time) => Interlocked.Add(ref _ticks, time.Ticks);

    /// <summary>Goes on.</summary>
    public void Advance(int milliseconds) => Advance(TimeSpan.FromMilliseconds(milliseconds));
}
