using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using NativeMm.Extensions;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds parts of NativeMm to a service.</summary>
public sealed class NativeMmBuilder
{
    internal NativeMmBuilder(IServiceCollection services) => Services = services;

    /// <summary>The services.</summary>
    public IServiceCollection Services { get; }

    /// <summary>
    /// Lets Kestrel, and whatever else asks for an <see cref="IMemoryPoolFactory{T}"/>, take its memory from slabs whose idle pages go back to the operating
    /// system. Options: <see cref="NativeMmOptions.KestrelPool"/>.
    /// </summary>
    /// <returns>This.</returns>
    public NativeMmBuilder AddKestrelPool()
    {
        Services.AddMetrics();
        Services.TryAddSingleton(services => new NativeMemoryPoolFactory(
            services.GetRequiredService<IOptions<NativeMmOptions>>().Value.ToPoolOptions(),
            services.GetService<System.Diagnostics.Metrics.IMeterFactory>(),
            services.GetService<TimeProvider>()));

        // The server adds its own where there is none.
        Services.Replace(ServiceDescriptor.Singleton<IMemoryPoolFactory<byte>>(services => services.GetRequiredService<NativeMemoryPoolFactory>()));
        return this;
    }
}
