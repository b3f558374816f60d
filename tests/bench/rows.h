// The rows of bench_overhead, by what they measure.
#pragma once

namespace gradquake::bench {

inline constexpr const char* kNetworks[] = {"mlp", "cnn", "transformer"};

void register_tap_rows();      // idle_tap, {network}/{clean, idle, gaussian_both}
void register_way_rows();      // {network}/{operators, exported}_{idle, gaussian}, {network}/exported_load
void register_growth_rows();   // growth/{start, step}/sites:N/rules:N, {network}/memory
void register_trainer_rows();  // {network}/{bare_loop, trainer, shadow_forward, shadow_backward_only}
void register_probe_rows();    // probe/{digits_mlp, mnist_cnn}
void register_kind_rows();     // kind/{name}, each kind of the catalogue but the noise
void register_noise_rows();    // noise/{gaussian, uniform, rademacher}_{f32, f64}/{avx512, avx2}[/measured]

}  // namespace gradquake::bench
