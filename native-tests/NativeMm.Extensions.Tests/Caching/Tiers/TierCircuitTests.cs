using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace NativeMm.Extensions.Tests.Caching.Tiers;

public sealed class TierCircuitTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly TierCircuit _circuit;

    public TierCircuitTests() => _circuit = new TierCircuit(3, TimeSpan.FromSeconds(5), _clock);

    [Fact]
    public void Opens_after_so_many_failures_in_a_row_and_a_success_between_them_counts()
    {
        Fail(2);
        Call(succeeds: true);
        Fail(2);
        Assert.Equal(TierCircuitState.Closed, _circuit.State);
        Fail(1);
        Assert.Equal(TierCircuitState.Open, _circuit.State);
        Assert.False(_circuit.TryEnter(out _));
        Assert.False(_circuit.WouldEnter);
    }

    [Fact]
    public void One_call_tries_after_the_while_and_its_success_closes()
    {
        Fail(3);
        _clock.Advance(TimeSpan.FromSeconds(5) - TimeSpan.FromTicks(1));
        Assert.False(_circuit.TryEnter(out _));
        _clock.Advance(TimeSpan.FromTicks(1));
        Assert.Equal(TierCircuitState.HalfOpen, _circuit.State);
        Assert.True(_circuit.WouldEnter);
        Assert.True(_circuit.TryEnter(out int probe));
        Assert.False(_circuit.WouldEnter);
        Assert.False(_circuit.TryEnter(out _));
        Assert.True(_circuit.Leave(probe, succeeded: true));
        Assert.Equal(TierCircuitState.Closed, _circuit.State);
        Fail(2);
        Assert.Equal(TierCircuitState.Closed, _circuit.State);
    }

    [Fact]
    public void Failure_of_the_one_that_tries_opens_for_another_while()
    {
        Fail(3);
        _clock.Advance(TimeSpan.FromSeconds(5));
        Call(succeeds: false);
        Assert.Equal(TierCircuitState.Open, _circuit.State);
        _clock.Advance(TimeSpan.FromSeconds(4));
        Assert.False(_circuit.TryEnter(out _));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(_circuit.TryEnter(out _));
    }

    [Fact]
    public void Call_that_was_under_way_when_it_opened_changes_nothing()
    {
        Assert.True(_circuit.TryEnter(out int late));
        Assert.True(_circuit.TryEnter(out int later));
        Fail(3);
        Assert.False(_circuit.Leave(late, succeeded: true));
        Assert.Equal(TierCircuitState.Open, _circuit.State);
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.True(_circuit.TryEnter(out int probe));
        Assert.False(_circuit.Leave(later, succeeded: false));
        Assert.True(_circuit.Leave(probe, succeeded: true));
    }

    private void Fail(int count)
    {
        for (int i = 0; i < count; i++)
        {
            Call(succeeds: false);
        }
    }

    private void Call(bool succeeds)
    {
        Assert.True(_circuit.TryEnter(out int ticket));
        Assert.False(_circuit.Leave(ticket, succeeds));
    }
}
