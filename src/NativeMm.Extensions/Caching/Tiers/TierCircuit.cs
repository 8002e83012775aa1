using NativeMm.Primitives;

namespace NativeMm.Extensions;

/// <summary>
/// A circuit breaker. So many failures in a row open it; after a while it lets one call through, whose outcome closes it or opens it for another while. Calls
/// that were under way when it opened change nothing. Thread-safe.
/// </summary>
/// <param name="failuresMax">Failures in a row that open it.</param>
/// <param name="duration">How long it stays open.</param>
/// <param name="time">Whose clock.</param>
internal sealed class TierCircuit(int failuresMax, TimeSpan duration, TimeProvider time)
{
    private SleepLock _lock;
    private int _failures;
    private int _era;
    private bool _isOpen;
    private bool _isProbed;
    private long _openedAt;

    /// <summary>The state now.</summary>
    public TierCircuitState State
    {
        get
        {
            using SleepLock.Scope scope = _lock.EnterScope();
            return !_isOpen ? TierCircuitState.Closed : IsWhileOver || _isProbed ? TierCircuitState.HalfOpen : TierCircuitState.Open;
        }
    }

    /// <summary>Whether a call would be let through at this moment. It takes no turn.</summary>
    public bool WouldEnter
    {
        get
        {
            using SleepLock.Scope scope = _lock.EnterScope();
            return !_isOpen || (!_isProbed && IsWhileOver);
        }
    }

    private bool IsWhileOver => time.GetElapsedTime(_openedAt) >= duration;

    /// <summary>Asks for a call. Each one that is let through ends with <see cref="Leave"/>.</summary>
    /// <param name="ticket">To be handed to <see cref="Leave"/>.</param>
    public bool TryEnter(out int ticket)
    {
        using SleepLock.Scope scope = _lock.EnterScope();
        ticket = _era;
        if (!_isOpen)
        {
            return true;
        }

        if (_isProbed || !IsWhileOver)
        {
            return false;
        }

        _isProbed = true;
        return true;
    }

    /// <summary>Tells how a call ended.</summary>
    /// <param name="ticket">Of <see cref="TryEnter"/>.</param>
    /// <param name="succeeded">Whether the tier answered in time.</param>
    /// <returns>Whether this call closed the circuit.</returns>
    public bool Leave(int ticket, bool succeeded)
    {
        using SleepLock.Scope scope = _lock.EnterScope();
        if (ticket != _era)
        {
            return false;
        }

        if (succeeded)
        {
            _failures = 0;
            bool wasOpen = _isOpen;
            if (wasOpen)
            {
                (_isOpen, _isProbed) = (false, false);
                _era++;
            }

            return wasOpen;
        }

        if (_isOpen || ++_failures >= failuresMax)
        {
            (_isOpen, _isProbed, _failures) = (true, false, 0);
            _openedAt = time.GetTimestamp();
            _era++;
        }

        return false;
    }
}
