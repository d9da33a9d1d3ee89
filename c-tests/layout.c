/*
 * Sizes, alignments and offsets of every structure the headers offer, and their
 * constants: the numbers are those of Unit 1.35.0 on 64-bit Linux. A difference
 * is an error of the compiler run, so there is nothing to execute but the
 * checks of the bit-fields, which have no offset.
 */

#include "layout.h"

TYPE(nxt_app_lang_module_t, 48, 8);
AT(nxt_app_lang_module_t, type, 0);
AT(nxt_app_lang_module_t, name, 8);
AT(nxt_app_lang_module_t, version, 16);
AT(nxt_app_lang_module_t, file, 24);
AT(nxt_app_lang_module_t, module, 32);
AT(nxt_app_lang_module_t, mounts, 40);

TYPE(nxt_app_module_t, 72, 8);
AT(nxt_app_module_t, compat_length, 0);
AT(nxt_app_module_t, compat, 8);
AT(nxt_app_module_t, type, 16);
AT(nxt_app_module_t, version, 32);
AT(nxt_app_module_t, mounts, 40);
AT(nxt_app_module_t, nmounts, 48);
AT(nxt_app_module_t, setup, 56);
AT(nxt_app_module_t, start, 64);

TYPE(nxt_app_nncq_atomic_t, 4, 4);

TYPE(nxt_app_nncq_cycle_t, 2, 2);

TYPE(nxt_app_nncq_t, 524296, 4);
AT(nxt_app_nncq_t, head, 0);
AT(nxt_app_nncq_t, entries, 4);
AT(nxt_app_nncq_t, tail, 524292);

TYPE(nxt_app_queue_item_t, 36, 4);
AT(nxt_app_queue_item_t, size, 0);
AT(nxt_app_queue_item_t, data, 1);
AT(nxt_app_queue_item_t, tracking, 32);

TYPE(nxt_app_queue_t, 5767188, 4);
AT(nxt_app_queue_t, notified, 0);
AT(nxt_app_queue_t, free_items, 4);
AT(nxt_app_queue_t, queue, 524300);
AT(nxt_app_queue_t, items, 1048596);

TYPE(nxt_app_type_t, 4, 4);

TYPE(nxt_application_setup_t, 8, 8);

TYPE(nxt_array_t, 24, 8);
AT(nxt_array_t, elts, 0);
AT(nxt_array_t, nelts, 8);
AT(nxt_array_t, size, 12);
AT(nxt_array_t, nalloc, 14);
AT(nxt_array_t, mem_pool, 16);

TYPE(nxt_atomic_int_t, 8, 8);

TYPE(nxt_atomic_t, 8, 8);

TYPE(nxt_atomic_uint_t, 8, 8);

TYPE(nxt_bool_t, 4, 4);

TYPE(nxt_cgroup_cleanup_t, 8, 8);

TYPE(nxt_cgroup_t, 8, 8);
AT(nxt_cgroup_t, path, 0);

TYPE(nxt_clone_credential_map_t, 16, 8);
AT(nxt_clone_credential_map_t, size, 0);
AT(nxt_clone_credential_map_t, map, 8);

TYPE(nxt_clone_map_entry_t, 24, 8);
AT(nxt_clone_map_entry_t, container, 0);
AT(nxt_clone_map_entry_t, host, 8);
AT(nxt_clone_map_entry_t, size, 16);

TYPE(nxt_clone_t, 40, 8);
AT(nxt_clone_t, flags, 0);
AT(nxt_clone_t, uidmap, 8);
AT(nxt_clone_t, gidmap, 24);

TYPE(nxt_common_app_conf_t, 224, 8);
AT(nxt_common_app_conf_t, name, 0);
AT(nxt_common_app_conf_t, type, 16);
AT(nxt_common_app_conf_t, user, 32);
AT(nxt_common_app_conf_t, group, 48);
AT(nxt_common_app_conf_t, stdout_log, 64);
AT(nxt_common_app_conf_t, stderr_log, 72);
AT(nxt_common_app_conf_t, working_directory, 80);
AT(nxt_common_app_conf_t, environment, 88);
AT(nxt_common_app_conf_t, isolation, 96);
AT(nxt_common_app_conf_t, limits, 104);
AT(nxt_common_app_conf_t, shm_limit, 112);
AT(nxt_common_app_conf_t, request_limit, 120);
AT(nxt_common_app_conf_t, shared_port_fd, 124);
AT(nxt_common_app_conf_t, shared_queue_fd, 128);
AT(nxt_common_app_conf_t, u, 136);
AT(nxt_common_app_conf_t, u.external, 136);
AT(nxt_common_app_conf_t, u.python, 136);
AT(nxt_common_app_conf_t, u.php, 136);
AT(nxt_common_app_conf_t, u.perl, 136);
AT(nxt_common_app_conf_t, u.ruby, 136);
AT(nxt_common_app_conf_t, u.java, 136);
AT(nxt_common_app_conf_t, u.wasm, 136);
AT(nxt_common_app_conf_t, u.wasm_wc, 136);
AT(nxt_common_app_conf_t, self, 216);

TYPE(nxt_controller_init_t, 24, 8);
AT(nxt_controller_init_t, conf, 0);
AT(nxt_controller_init_t, certs, 16);

TYPE(nxt_cred_t, 8, 8);

TYPE(nxt_credential_t, 32, 8);
AT(nxt_credential_t, user, 0);
AT(nxt_credential_t, uid, 8);
AT(nxt_credential_t, base_gid, 12);
AT(nxt_credential_t, ngroups, 16);
AT(nxt_credential_t, gids, 24);

TYPE(nxt_err_t, 4, 4);

TYPE(nxt_external_app_conf_t, 16, 8);
AT(nxt_external_app_conf_t, executable, 0);
AT(nxt_external_app_conf_t, arguments, 8);

TYPE(nxt_fd_t, 4, 4);

TYPE(nxt_file_name_t, 1, 1);

TYPE(nxt_fs_flags_t, 4, 4);

TYPE(nxt_fs_mount_t, 56, 8);
AT(nxt_fs_mount_t, src, 0);
AT(nxt_fs_mount_t, dst, 8);
AT(nxt_fs_mount_t, type, 16);
AT(nxt_fs_mount_t, name, 24);
AT(nxt_fs_mount_t, flags, 32);
AT(nxt_fs_mount_t, data, 40);
AT(nxt_fs_mount_t, builtin, 48);
AT(nxt_fs_mount_t, deps, 52);

TYPE(nxt_fs_type_t, 4, 4);

TYPE(nxt_gid_t, 4, 4);

TYPE(nxt_http_status_t, 4, 4);

TYPE(nxt_int_t, 4, 4);

TYPE(nxt_isolation_cleanup_t, 8, 8);

TYPE(nxt_java_app_conf_t, 40, 8);
AT(nxt_java_app_conf_t, classpath, 0);
AT(nxt_java_app_conf_t, webapp, 8);
AT(nxt_java_app_conf_t, options, 16);
AT(nxt_java_app_conf_t, unit_jars, 24);
AT(nxt_java_app_conf_t, threads, 32);
AT(nxt_java_app_conf_t, thread_stack_size, 36);

TYPE(nxt_log_ctx_handler_t, 8, 8);

TYPE(nxt_log_handler_t, 8, 8);

TYPE(nxt_log_t, 32, 8);
AT(nxt_log_t, level, 0);
AT(nxt_log_t, ident, 4);
AT(nxt_log_t, handler, 8);
AT(nxt_log_t, ctx_handler, 16);
AT(nxt_log_t, ctx, 24);

TYPE(nxt_lvlhsh_alloc_t, 8, 8);

TYPE(nxt_lvlhsh_each_t, 32, 8);
AT(nxt_lvlhsh_each_t, proto, 0);
AT(nxt_lvlhsh_each_t, bucket, 8);
AT(nxt_lvlhsh_each_t, current, 16);
AT(nxt_lvlhsh_each_t, entry, 20);
AT(nxt_lvlhsh_each_t, entries, 24);

TYPE(nxt_lvlhsh_free_t, 8, 8);

TYPE(nxt_lvlhsh_proto_t, 48, 8);
AT(nxt_lvlhsh_proto_t, bucket_end, 0);
AT(nxt_lvlhsh_proto_t, bucket_size, 4);
AT(nxt_lvlhsh_proto_t, bucket_mask, 8);
AT(nxt_lvlhsh_proto_t, shift, 12);
AT(nxt_lvlhsh_proto_t, test, 24);
AT(nxt_lvlhsh_proto_t, alloc, 32);
AT(nxt_lvlhsh_proto_t, free, 40);

TYPE(nxt_lvlhsh_query_t, 56, 8);
AT(nxt_lvlhsh_query_t, key_hash, 0);
AT(nxt_lvlhsh_query_t, replace, 4);
AT(nxt_lvlhsh_query_t, key, 8);
AT(nxt_lvlhsh_query_t, value, 24);
AT(nxt_lvlhsh_query_t, proto, 32);
AT(nxt_lvlhsh_query_t, pool, 40);
AT(nxt_lvlhsh_query_t, data, 48);

TYPE(nxt_lvlhsh_t, 8, 8);
AT(nxt_lvlhsh_t, slot, 0);

TYPE(nxt_lvlhsh_test_t, 8, 8);

TYPE(nxt_msec_int_t, 4, 4);

TYPE(nxt_msec_t, 4, 4);

TYPE(nxt_nsec_int_t, 8, 8);

TYPE(nxt_nsec_t, 8, 8);

TYPE(nxt_off_t, 8, 8);

TYPE(nxt_perl_app_conf_t, 16, 8);
AT(nxt_perl_app_conf_t, script, 0);
AT(nxt_perl_app_conf_t, threads, 8);
AT(nxt_perl_app_conf_t, thread_stack_size, 12);

TYPE(nxt_php_app_conf_t, 16, 8);
AT(nxt_php_app_conf_t, targets, 0);
AT(nxt_php_app_conf_t, options, 8);

TYPE(nxt_pid_t, 4, 4);

TYPE(nxt_port_mmaps_t, 56, 8);
AT(nxt_port_mmaps_t, mutex, 0);
AT(nxt_port_mmaps_t, size, 40);
AT(nxt_port_mmaps_t, cap, 44);
AT(nxt_port_mmaps_t, elts, 48);

TYPE(nxt_port_queue_item_t, 32, 1);
AT(nxt_port_queue_item_t, size, 0);
AT(nxt_port_queue_item_t, data, 1);

TYPE(nxt_port_queue_t, 655380, 4);
AT(nxt_port_queue_t, nitems, 0);
AT(nxt_port_queue_t, free_items, 4);
AT(nxt_port_queue_t, queue, 65548);
AT(nxt_port_queue_t, items, 131092);

TYPE(nxt_process_automount_t, 3, 1);
AT(nxt_process_automount_t, language_deps, 0);
AT(nxt_process_automount_t, tmpfs, 1);
AT(nxt_process_automount_t, procfs, 2);

TYPE(nxt_process_data_t, 24, 8);
AT(nxt_process_data_t, discovery, 0);
AT(nxt_process_data_t, controller, 0);
AT(nxt_process_data_t, router, 0);
AT(nxt_process_data_t, app, 0);

TYPE(nxt_process_isolation_t, 96, 8);
AT(nxt_process_isolation_t, rootfs, 0);
AT(nxt_process_isolation_t, automount, 8);
AT(nxt_process_isolation_t, mounts, 16);
AT(nxt_process_isolation_t, cleanup, 24);
AT(nxt_process_isolation_t, cgroup_cleanup, 32);
AT(nxt_process_isolation_t, cgroup, 40);
AT(nxt_process_isolation_t, clone, 48);
AT(nxt_process_isolation_t, new_privs, 88);

TYPE(nxt_process_prefork_t, 8, 8);

TYPE(nxt_process_setup_t, 8, 8);

TYPE(nxt_process_start_t, 8, 8);

TYPE(nxt_process_state_t, 4, 4);

TYPE(nxt_process_t, 296, 8);
AT(nxt_process_t, pid, 0);
AT(nxt_process_t, ports, 8);
AT(nxt_process_t, state, 24);
AT(nxt_process_t, registered, 28);
AT(nxt_process_t, use_count, 32);
AT(nxt_process_t, incoming, 40);
AT(nxt_process_t, isolated_pid, 96);
AT(nxt_process_t, name, 104);
AT(nxt_process_t, parent_port, 112);
AT(nxt_process_t, stream, 120);
AT(nxt_process_t, mem_pool, 128);
AT(nxt_process_t, user_cred, 136);
AT(nxt_process_t, children, 144);
AT(nxt_process_t, link, 160);
AT(nxt_process_t, data, 176);
AT(nxt_process_t, isolation, 200);

TYPE(nxt_process_type_t, 4, 4);

TYPE(nxt_python_app_conf_t, 48, 8);
AT(nxt_python_app_conf_t, home, 0);
AT(nxt_python_app_conf_t, path, 8);
AT(nxt_python_app_conf_t, protocol, 16);
AT(nxt_python_app_conf_t, threads, 32);
AT(nxt_python_app_conf_t, thread_stack_size, 36);
AT(nxt_python_app_conf_t, targets, 40);

TYPE(nxt_queue_link_t, 16, 8);
AT(nxt_queue_link_t, prev, 0);
AT(nxt_queue_link_t, next, 8);

TYPE(nxt_queue_t, 16, 8);
AT(nxt_queue_t, head, 0);

TYPE(nxt_recv_oob_t, 64, 8);
AT(nxt_recv_oob_t, size, 0);
AT(nxt_recv_oob_t, buf, 8);

TYPE(nxt_ruby_app_conf_t, 40, 8);
AT(nxt_ruby_app_conf_t, script, 0);
AT(nxt_ruby_app_conf_t, threads, 16);
AT(nxt_ruby_app_conf_t, hooks, 24);

TYPE(nxt_send_oob_t, 32, 8);
AT(nxt_send_oob_t, size, 0);
AT(nxt_send_oob_t, buf, 8);

TYPE(nxt_socket_t, 4, 4);

TYPE(nxt_str_t, 16, 8);
AT(nxt_str_t, length, 0);
AT(nxt_str_t, start, 8);

TYPE(nxt_task_t, 32, 8);
AT(nxt_task_t, thread, 0);
AT(nxt_task_t, log, 8);
AT(nxt_task_t, ident, 16);
AT(nxt_task_t, next_work, 24);

TYPE(nxt_tid_t, 4, 4);

TYPE(nxt_time_t, 8, 8);

TYPE(nxt_uid_t, 4, 4);

TYPE(nxt_uint_t, 4, 4);

TYPE(nxt_unit_buf_t, 24, 8);
AT(nxt_unit_buf_t, start, 0);
AT(nxt_unit_buf_t, free, 8);
AT(nxt_unit_buf_t, end, 16);

TYPE(nxt_unit_callbacks_t, 96, 8);
AT(nxt_unit_callbacks_t, request_handler, 0);
AT(nxt_unit_callbacks_t, data_handler, 8);
AT(nxt_unit_callbacks_t, websocket_handler, 16);
AT(nxt_unit_callbacks_t, close_handler, 24);
AT(nxt_unit_callbacks_t, add_port, 32);
AT(nxt_unit_callbacks_t, remove_port, 40);
AT(nxt_unit_callbacks_t, remove_pid, 48);
AT(nxt_unit_callbacks_t, quit, 56);
AT(nxt_unit_callbacks_t, shm_ack_handler, 64);
AT(nxt_unit_callbacks_t, port_send, 72);
AT(nxt_unit_callbacks_t, port_recv, 80);
AT(nxt_unit_callbacks_t, ready_handler, 88);

TYPE(nxt_unit_ctx_t, 16, 8);
AT(nxt_unit_ctx_t, data, 0);
AT(nxt_unit_ctx_t, unit, 8);

TYPE(nxt_unit_field_t, 16, 4);
AT(nxt_unit_field_t, hash, 0);
AT(nxt_unit_field_t, name_length, 3);
AT(nxt_unit_field_t, value_length, 4);
AT(nxt_unit_field_t, name, 8);
AT(nxt_unit_field_t, value, 12);

TYPE(nxt_unit_init_t, 248, 8);
AT(nxt_unit_init_t, data, 0);
AT(nxt_unit_init_t, ctx_data, 8);
AT(nxt_unit_init_t, max_pending_requests, 16);
AT(nxt_unit_init_t, request_data_size, 20);
AT(nxt_unit_init_t, shm_limit, 24);
AT(nxt_unit_init_t, request_limit, 28);
AT(nxt_unit_init_t, callbacks, 32);
AT(nxt_unit_init_t, ready_port, 128);
AT(nxt_unit_init_t, ready_stream, 160);
AT(nxt_unit_init_t, router_port, 168);
AT(nxt_unit_init_t, read_port, 200);
AT(nxt_unit_init_t, shared_port_fd, 232);
AT(nxt_unit_init_t, shared_queue_fd, 236);
AT(nxt_unit_init_t, log_fd, 240);

TYPE(nxt_unit_port_id_t, 12, 4);
AT(nxt_unit_port_id_t, pid, 0);
AT(nxt_unit_port_id_t, hash, 4);
AT(nxt_unit_port_id_t, id, 8);

TYPE(nxt_unit_port_t, 32, 8);
AT(nxt_unit_port_t, id, 0);
AT(nxt_unit_port_t, in_fd, 12);
AT(nxt_unit_port_t, out_fd, 16);
AT(nxt_unit_port_t, data, 24);

TYPE(nxt_unit_read_func_t, 8, 8);

TYPE(nxt_unit_read_info_t, 24, 8);
AT(nxt_unit_read_info_t, read, 0);
AT(nxt_unit_read_info_t, eof, 8);
AT(nxt_unit_read_info_t, buf_size, 12);
AT(nxt_unit_read_info_t, data, 16);

TYPE(nxt_unit_request_info_t, 96, 8);
AT(nxt_unit_request_info_t, unit, 0);
AT(nxt_unit_request_info_t, ctx, 8);
AT(nxt_unit_request_info_t, response_port, 16);
AT(nxt_unit_request_info_t, request, 24);
AT(nxt_unit_request_info_t, request_buf, 32);
AT(nxt_unit_request_info_t, response, 40);
AT(nxt_unit_request_info_t, response_buf, 48);
AT(nxt_unit_request_info_t, response_max_fields, 56);
AT(nxt_unit_request_info_t, content_buf, 64);
AT(nxt_unit_request_info_t, content_length, 72);
AT(nxt_unit_request_info_t, content_fd, 80);
AT(nxt_unit_request_info_t, data, 88);

TYPE(nxt_unit_request_t, 96, 8);
AT(nxt_unit_request_t, method_length, 0);
AT(nxt_unit_request_t, version_length, 1);
AT(nxt_unit_request_t, remote_length, 2);
AT(nxt_unit_request_t, local_addr_length, 3);
AT(nxt_unit_request_t, local_port_length, 4);
AT(nxt_unit_request_t, tls, 5);
AT(nxt_unit_request_t, websocket_handshake, 6);
AT(nxt_unit_request_t, app_target, 7);
AT(nxt_unit_request_t, server_name_length, 8);
AT(nxt_unit_request_t, target_length, 12);
AT(nxt_unit_request_t, path_length, 16);
AT(nxt_unit_request_t, query_length, 20);
AT(nxt_unit_request_t, fields_count, 24);
AT(nxt_unit_request_t, content_length_field, 28);
AT(nxt_unit_request_t, content_type_field, 32);
AT(nxt_unit_request_t, cookie_field, 36);
AT(nxt_unit_request_t, authorization_field, 40);
AT(nxt_unit_request_t, content_length, 48);
AT(nxt_unit_request_t, method, 56);
AT(nxt_unit_request_t, version, 60);
AT(nxt_unit_request_t, remote, 64);
AT(nxt_unit_request_t, local_addr, 68);
AT(nxt_unit_request_t, local_port, 72);
AT(nxt_unit_request_t, server_name, 76);
AT(nxt_unit_request_t, target, 80);
AT(nxt_unit_request_t, path, 84);
AT(nxt_unit_request_t, query, 88);
AT(nxt_unit_request_t, preread_content, 92);
AT(nxt_unit_request_t, fields, 96);

TYPE(nxt_unit_response_t, 24, 8);
AT(nxt_unit_response_t, content_length, 0);
AT(nxt_unit_response_t, fields_count, 8);
AT(nxt_unit_response_t, piggyback_content_length, 12);
AT(nxt_unit_response_t, status, 16);
AT(nxt_unit_response_t, piggyback_content, 20);
AT(nxt_unit_response_t, fields, 24);

TYPE(nxt_unit_sptr_t, 4, 4);
AT(nxt_unit_sptr_t, base, 0);
AT(nxt_unit_sptr_t, offset, 0);

TYPE(nxt_unit_t, 8, 8);
AT(nxt_unit_t, data, 0);

TYPE(nxt_unit_websocket_frame_t, 48, 8);
AT(nxt_unit_websocket_frame_t, req, 0);
AT(nxt_unit_websocket_frame_t, payload_len, 8);
AT(nxt_unit_websocket_frame_t, header, 16);
AT(nxt_unit_websocket_frame_t, mask, 24);
AT(nxt_unit_websocket_frame_t, content_buf, 32);
AT(nxt_unit_websocket_frame_t, content_length, 40);

TYPE(nxt_uoff_t, 8, 8);

TYPE(nxt_wasm_app_conf_t, 80, 8);
AT(nxt_wasm_app_conf_t, module, 0);
AT(nxt_wasm_app_conf_t, request_handler, 8);
AT(nxt_wasm_app_conf_t, malloc_handler, 16);
AT(nxt_wasm_app_conf_t, free_handler, 24);
AT(nxt_wasm_app_conf_t, module_init_handler, 32);
AT(nxt_wasm_app_conf_t, module_end_handler, 40);
AT(nxt_wasm_app_conf_t, request_init_handler, 48);
AT(nxt_wasm_app_conf_t, request_end_handler, 56);
AT(nxt_wasm_app_conf_t, response_end_handler, 64);
AT(nxt_wasm_app_conf_t, access, 72);

TYPE(nxt_wasm_wc_app_conf_t, 16, 8);
AT(nxt_wasm_wc_app_conf_t, component, 0);
AT(nxt_wasm_wc_app_conf_t, access, 8);

TYPE(nxt_websocket_header_t, 10, 1);
AT(nxt_websocket_header_t, payload_len_, 2);

TYPE(nxt_work_handler_t, 8, 8);

TYPE(nxt_work_t, 40, 8);
AT(nxt_work_t, next, 0);
AT(nxt_work_t, handler, 8);
AT(nxt_work_t, task, 16);
AT(nxt_work_t, obj, 24);
AT(nxt_work_t, data, 32);

NUMBER(NXT_32BIT, 0);
NUMBER(NXT_64BIT, 1);
NUMBER(NXT_AGAIN, -2);
NUMBER(NXT_ALIGNMENT, 8);
NUMBER(NXT_APP_EXTERNAL, 0);
NUMBER(NXT_APP_JAVA, 5);
NUMBER(NXT_APP_PERL, 3);
NUMBER(NXT_APP_PHP, 2);
NUMBER(NXT_APP_PYTHON, 1);
NUMBER(NXT_APP_RUBY, 4);
NUMBER(NXT_APP_UNKNOWN, 8);
NUMBER(NXT_APP_WASM, 6);
NUMBER(NXT_APP_WASM_WC, 7);
NUMBER(NXT_ATOMIC_T_HEXLEN, 16);
NUMBER(NXT_ATOMIC_T_LEN, 20);
NUMBER(NXT_ATOMIC_T_MAX, 9223372036854775807LL);
NUMBER(NXT_DECLINED, -3);
NUMBER(NXT_DONE, -4);
NUMBER(NXT_EACCES, 13);
NUMBER(NXT_EADDRINUSE, 98);
NUMBER(NXT_EAGAIN, 11);
NUMBER(NXT_EBUSY, 16);
NUMBER(NXT_ECANCELED, 125);
NUMBER(NXT_ECHILD, 10);
NUMBER(NXT_ECONNABORTED, 103);
NUMBER(NXT_ECONNREFUSED, 111);
NUMBER(NXT_ECONNRESET, 104);
NUMBER(NXT_EEXIST, 17);
NUMBER(NXT_EHOSTDOWN, 112);
NUMBER(NXT_EHOSTUNREACH, 113);
NUMBER(NXT_EILSEQ, 84);
NUMBER(NXT_EINPROGRESS, 115);
NUMBER(NXT_EINTR, 4);
NUMBER(NXT_EINVAL, 22);
NUMBER(NXT_EISDIR, 21);
NUMBER(NXT_ELOOP, 40);
NUMBER(NXT_ENAMETOOLONG, 36);
NUMBER(NXT_ENETDOWN, 100);
NUMBER(NXT_ENETUNREACH, 101);
NUMBER(NXT_ENOBUFS, 105);
NUMBER(NXT_ENOENT, 2);
NUMBER(NXT_ENOMEM, 12);
NUMBER(NXT_ENOMOREFILES, 0);
NUMBER(NXT_ENOPATH, 2);
NUMBER(NXT_ENOSPC, 28);
NUMBER(NXT_ENOSYS, 38);
NUMBER(NXT_ENOTCONN, 107);
NUMBER(NXT_ENOTDIR, 20);
NUMBER(NXT_ENXIO, 6);
NUMBER(NXT_EOPNOTSUPP, 95);
NUMBER(NXT_EPERM, 1);
NUMBER(NXT_EPIPE, 32);
NUMBER(NXT_ERANGE, 34);
NUMBER(NXT_ERROR, -1);
NUMBER(NXT_ESRCH, 3);
NUMBER(NXT_ETIME, 62);
NUMBER(NXT_ETIMEDOUT, 110);
NUMBER(NXT_EXDEV, 18);
NUMBER(NXT_FS_BIND, 1);
NUMBER(NXT_FS_FLAGS_NODEV, 8);
NUMBER(NXT_FS_FLAGS_NOEXEC, 2);
NUMBER(NXT_FS_FLAGS_NOSUID, 1);
NUMBER(NXT_FS_FLAGS_NOTIME, 4);
NUMBER(NXT_FS_FLAGS_RDONLY, 16);
NUMBER(NXT_FS_LAST, 4);
NUMBER(NXT_FS_PROC, 3);
NUMBER(NXT_FS_TMP, 2);
NUMBER(NXT_FS_UNKNOWN, 0);
NUMBER(NXT_HTTP_BAD_GATEWAY, 502);
NUMBER(NXT_HTTP_BAD_REQUEST, 400);
NUMBER(NXT_HTTP_CONTINUE, 100);
NUMBER(NXT_HTTP_FORBIDDEN, 403);
NUMBER(NXT_HTTP_FOUND, 302);
NUMBER(NXT_HTTP_GATEWAY_TIMEOUT, 504);
NUMBER(NXT_HTTP_INTERNAL_SERVER_ERROR, 500);
NUMBER(NXT_HTTP_INVALID, 0);
NUMBER(NXT_HTTP_LENGTH_REQUIRED, 411);
NUMBER(NXT_HTTP_METHOD_NOT_ALLOWED, 405);
NUMBER(NXT_HTTP_MOVED_PERMANENTLY, 301);
NUMBER(NXT_HTTP_MULTIPLE_CHOICES, 300);
NUMBER(NXT_HTTP_NOT_ACCEPTABLE, 406);
NUMBER(NXT_HTTP_NOT_FOUND, 404);
NUMBER(NXT_HTTP_NOT_IMPLEMENTED, 501);
NUMBER(NXT_HTTP_NOT_MODIFIED, 304);
NUMBER(NXT_HTTP_NO_CONTENT, 204);
NUMBER(NXT_HTTP_OK, 200);
NUMBER(NXT_HTTP_PAYLOAD_TOO_LARGE, 413);
NUMBER(NXT_HTTP_PERMANENT_REDIRECT, 308);
NUMBER(NXT_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE, 431);
NUMBER(NXT_HTTP_REQUEST_TIMEOUT, 408);
NUMBER(NXT_HTTP_SEE_OTHER, 303);
NUMBER(NXT_HTTP_SERVER_ERROR_MAX, 599);
NUMBER(NXT_HTTP_SERVICE_UNAVAILABLE, 503);
NUMBER(NXT_HTTP_STATUS_MAX, 999);
NUMBER(NXT_HTTP_SWITCHING_PROTOCOLS, 101);
NUMBER(NXT_HTTP_TO_HTTPS, 497);
NUMBER(NXT_HTTP_UNSET, -1);
NUMBER(NXT_HTTP_UPGRADE_REQUIRED, 426);
NUMBER(NXT_HTTP_URI_TOO_LONG, 414);
NUMBER(NXT_HTTP_VERSION_NOT_SUPPORTED, 505);
NUMBER(NXT_INT32_T_HEXLEN, 8);
NUMBER(NXT_INT32_T_LEN, 11);
NUMBER(NXT_INT32_T_MAX, 2147483647);
NUMBER(NXT_INT64_T_HEXLEN, 16);
NUMBER(NXT_INT64_T_LEN, 20);
NUMBER(NXT_INT64_T_MAX, 9223372036854775807LL);
NUMBER(NXT_INT_T_HEXLEN, 8);
NUMBER(NXT_INT_T_LEN, 11);
NUMBER(NXT_INT_T_MAX, 2147483647);
NUMBER(NXT_INT_T_SIZE, 4);
NUMBER(NXT_LOG_ALERT, 0);
NUMBER(NXT_LOG_DEBUG, 5);
NUMBER(NXT_LOG_ERR, 1);
NUMBER(NXT_LOG_INFO, 4);
NUMBER(NXT_LOG_NOTICE, 3);
NUMBER(NXT_LOG_WARN, 2);
NUMBER(NXT_LVLHSH_BATCH_ALLOC, 16);
NUMBER(NXT_LVLHSH_DEFAULT_BUCKET_SIZE, 128);
NUMBER(NXT_LVLHSH_ENTRY_SIZE, 3);
NUMBER(NXT_MAX_ALIGNMENT, 16);
NUMBER(NXT_MAX_ERROR_STR, 2048);
NUMBER(NXT_MAX_PATH_LEN, 4096);
TEXT(NXT_NAME, "Unit");
NUMBER(NXT_OFF_T_HEXLEN, 16);
NUMBER(NXT_OFF_T_LEN, 20);
NUMBER(NXT_OFF_T_MAX, 9223372036854775807LL);
NUMBER(NXT_OK, 0);
NUMBER(NXT_OOB_RECV_SIZE, 56);
NUMBER(NXT_OOB_SEND_SIZE, 24);
NUMBER(NXT_PROCESS_APP, 5);
NUMBER(NXT_PROCESS_CONTROLLER, 2);
NUMBER(NXT_PROCESS_DISCOVERY, 1);
NUMBER(NXT_PROCESS_MAIN, 0);
NUMBER(NXT_PROCESS_MAX, 6);
NUMBER(NXT_PROCESS_PROTOTYPE, 4);
NUMBER(NXT_PROCESS_ROUTER, 3);
NUMBER(NXT_PROCESS_STATE_CREATED, 1);
NUMBER(NXT_PROCESS_STATE_CREATING, 0);
NUMBER(NXT_PROCESS_STATE_READY, 2);
TEXT(NXT_SERVER, "Unit/1.35.0");
NUMBER(NXT_SIZE_T_HEXLEN, 16);
NUMBER(NXT_SIZE_T_LEN, 20);
NUMBER(NXT_SIZE_T_MAX, 9223372036854775807LL);
NUMBER(NXT_TIME_T_HEXLEN, 16);
NUMBER(NXT_TIME_T_LEN, 20);
NUMBER(NXT_TIME_T_MAX, 9223372036854775807LL);
NUMBER(NXT_UNIT_AGAIN, 2);
NUMBER(NXT_UNIT_CANCELLED, 3);
NUMBER(NXT_UNIT_ERROR, 1);
NUMBER(NXT_UNIT_HASH_CONTENT_LENGTH, 7840);
NUMBER(NXT_UNIT_HASH_CONTENT_TYPE, 24445);
NUMBER(NXT_UNIT_HASH_COOKIE, 9202);
TEXT(NXT_UNIT_INIT_ENV, "NXT_UNIT_INIT");
NUMBER(NXT_UNIT_LOG_ALERT, 0);
NUMBER(NXT_UNIT_LOG_DEBUG, 5);
NUMBER(NXT_UNIT_LOG_ERR, 1);
NUMBER(NXT_UNIT_LOG_INFO, 4);
NUMBER(NXT_UNIT_LOG_NOTICE, 3);
NUMBER(NXT_UNIT_LOG_WARN, 2);
NUMBER(NXT_UNIT_NONE_FIELD, 4294967295LL);
NUMBER(NXT_UNIT_OK, 0);
NUMBER(NXT_UNIT_SHARED_PORT_ID, 65535);
NUMBER(NXT_VERNUM, 13500);
TEXT(NXT_VERSION, "1.35.0");
NUMBER(NXT_WEBSOCKET_ACCEPT_SIZE, 28);
NUMBER(NXT_WEBSOCKET_CR_ABNORMAL, 1006);
NUMBER(NXT_WEBSOCKET_CR_EXTENSION_REQUIRED, 1010);
NUMBER(NXT_WEBSOCKET_CR_GOING_AWAY, 1001);
NUMBER(NXT_WEBSOCKET_CR_INTERNAL_SERVER_ERROR, 1011);
NUMBER(NXT_WEBSOCKET_CR_INVALID_DATA, 1007);
NUMBER(NXT_WEBSOCKET_CR_MESSAGE_TOO_BIG, 1009);
NUMBER(NXT_WEBSOCKET_CR_NORMAL, 1000);
NUMBER(NXT_WEBSOCKET_CR_NOT_PROVIDED, 1005);
NUMBER(NXT_WEBSOCKET_CR_POLICY_VIOLATION, 1008);
NUMBER(NXT_WEBSOCKET_CR_PROTOCOL_ERROR, 1002);
NUMBER(NXT_WEBSOCKET_CR_RESERVED, 1004);
NUMBER(NXT_WEBSOCKET_CR_TLS_HANDSHAKE_FAILED, 1015);
NUMBER(NXT_WEBSOCKET_CR_UNPROCESSABLE_INPUT, 1003);
NUMBER(NXT_WEBSOCKET_OP_BINARY, 2);
NUMBER(NXT_WEBSOCKET_OP_CLOSE, 8);
NUMBER(NXT_WEBSOCKET_OP_CONT, 0);
NUMBER(NXT_WEBSOCKET_OP_CTRL, 8);
NUMBER(NXT_WEBSOCKET_OP_PING, 9);
NUMBER(NXT_WEBSOCKET_OP_PONG, 10);
NUMBER(NXT_WEBSOCKET_OP_TEXT, 1);
NUMBER(nxt_stderr, 2);
NUMBER(nxt_stdout, 1);

TYPE(nxt_buf_mem_t, 32, 8);
AT(nxt_buf_mem_t, pos, 0);
AT(nxt_buf_mem_t, free, 8);
AT(nxt_buf_mem_t, start, 16);
AT(nxt_buf_mem_t, end, 24);

TYPE(nxt_fd_event_t, 80, 8);
AT(nxt_fd_event_t, data, 0);
AT(nxt_fd_event_t, fd, 8);
AT(nxt_fd_event_t, error, 12);
AT(nxt_fd_event_t, read_ready, 18);
AT(nxt_fd_event_t, write_ready, 19);
AT(nxt_fd_event_t, changing, 20);
AT(nxt_fd_event_t, closed, 21);
AT(nxt_fd_event_t, timedout, 22);
AT(nxt_fd_event_t, task, 24);
AT(nxt_fd_event_t, read_work_queue, 32);
AT(nxt_fd_event_t, read_handler, 40);
AT(nxt_fd_event_t, write_work_queue, 48);
AT(nxt_fd_event_t, write_handler, 56);
AT(nxt_fd_event_t, error_handler, 64);
AT(nxt_fd_event_t, log, 72);

TYPE(nxt_file_event_t, 32, 8);
AT(nxt_file_event_t, data, 0);
AT(nxt_file_event_t, file, 8);
AT(nxt_file_event_t, handler, 16);
AT(nxt_file_event_t, task, 24);

TYPE(nxt_event_interface_t, 184, 8);
AT(nxt_event_interface_t, name, 0);
AT(nxt_event_interface_t, create, 8);
AT(nxt_event_interface_t, free, 16);
AT(nxt_event_interface_t, enable, 24);
AT(nxt_event_interface_t, disable, 32);
AT(nxt_event_interface_t, delete, 40);
AT(nxt_event_interface_t, close, 48);
AT(nxt_event_interface_t, enable_read, 56);
AT(nxt_event_interface_t, enable_write, 64);
AT(nxt_event_interface_t, disable_read, 72);
AT(nxt_event_interface_t, disable_write, 80);
AT(nxt_event_interface_t, block_read, 88);
AT(nxt_event_interface_t, block_write, 96);
AT(nxt_event_interface_t, oneshot_read, 104);
AT(nxt_event_interface_t, oneshot_write, 112);
AT(nxt_event_interface_t, enable_accept, 120);
AT(nxt_event_interface_t, enable_file, 128);
AT(nxt_event_interface_t, close_file, 136);
AT(nxt_event_interface_t, enable_post, 144);
AT(nxt_event_interface_t, signal, 152);
AT(nxt_event_interface_t, poll, 160);
AT(nxt_event_interface_t, io, 168);
AT(nxt_event_interface_t, file_support, 176);
AT(nxt_event_interface_t, signal_support, 177);

TYPE(nxt_epoll_change_t, 16, 4);
AT(nxt_epoll_change_t, op, 0);
AT(nxt_epoll_change_t, event, 4);

TYPE(nxt_epoll_engine_t, 216, 8);
AT(nxt_epoll_engine_t, fd, 0);
AT(nxt_epoll_engine_t, mode, 4);
AT(nxt_epoll_engine_t, nchanges, 8);
AT(nxt_epoll_engine_t, mchanges, 12);
AT(nxt_epoll_engine_t, mevents, 16);
AT(nxt_epoll_engine_t, error, 20);
AT(nxt_epoll_engine_t, changes, 24);
AT(nxt_epoll_engine_t, events, 32);
AT(nxt_epoll_engine_t, post_handler, 40);
AT(nxt_epoll_engine_t, eventfd, 48);
AT(nxt_epoll_engine_t, neventfd, 128);
AT(nxt_epoll_engine_t, signalfd, 136);

TYPE(nxt_poll_change_t, 16, 8);
AT(nxt_poll_change_t, op, 0);
AT(nxt_poll_change_t, events, 2);
AT(nxt_poll_change_t, event, 8);

TYPE(nxt_poll_engine_t, 40, 8);
AT(nxt_poll_engine_t, max_nfds, 0);
AT(nxt_poll_engine_t, nfds, 4);
AT(nxt_poll_engine_t, nchanges, 8);
AT(nxt_poll_engine_t, mchanges, 12);
AT(nxt_poll_engine_t, changes, 16);
AT(nxt_poll_engine_t, set, 24);
AT(nxt_poll_engine_t, fd_hash, 32);

TYPE(nxt_select_engine_t, 528, 8);
AT(nxt_select_engine_t, nfds, 0);
AT(nxt_select_engine_t, update_nfds, 4);
AT(nxt_select_engine_t, events, 8);
AT(nxt_select_engine_t, main_read_fd_set, 16);
AT(nxt_select_engine_t, main_write_fd_set, 144);
AT(nxt_select_engine_t, work_read_fd_set, 272);
AT(nxt_select_engine_t, work_write_fd_set, 400);

TYPE(nxt_event_engine_pipe_t, 88, 8);
AT(nxt_event_engine_pipe_t, fds, 0);
AT(nxt_event_engine_pipe_t, event, 8);

#if (NXT_DEBUG)
TYPE(nxt_event_engine_t, 1400, 8);
AT(nxt_event_engine_t, task, 0);
AT(nxt_event_engine_t, u, 32);
AT(nxt_event_engine_t, timers, 560);
AT(nxt_event_engine_t, work_queue_cache, 616);
AT(nxt_event_engine_t, current_work_queue, 648);
AT(nxt_event_engine_t, fast_work_queue, 656);
AT(nxt_event_engine_t, accept_work_queue, 696);
AT(nxt_event_engine_t, read_work_queue, 736);
AT(nxt_event_engine_t, socket_work_queue, 776);
AT(nxt_event_engine_t, connect_work_queue, 816);
AT(nxt_event_engine_t, write_work_queue, 856);
AT(nxt_event_engine_t, shutdown_work_queue, 896);
AT(nxt_event_engine_t, close_work_queue, 936);
AT(nxt_event_engine_t, locked_work_queue, 976);
AT(nxt_event_engine_t, event, 1032);
AT(nxt_event_engine_t, pipe, 1216);
AT(nxt_event_engine_t, signals, 1224);
AT(nxt_event_engine_t, fibers, 1232);
AT(nxt_event_engine_t, id, 1240);
AT(nxt_event_engine_t, shutdown, 1244);
AT(nxt_event_engine_t, batch, 1248);
AT(nxt_event_engine_t, connections, 1252);
AT(nxt_event_engine_t, max_connections, 1256);
AT(nxt_event_engine_t, port, 1264);
AT(nxt_event_engine_t, mem_pool, 1272);
AT(nxt_event_engine_t, joints, 1280);
AT(nxt_event_engine_t, listen_connections, 1296);
AT(nxt_event_engine_t, idle_connections, 1312);
AT(nxt_event_engine_t, mem_cache, 1328);
AT(nxt_event_engine_t, accepted_conns_cnt, 1336);
AT(nxt_event_engine_t, idle_conns_cnt, 1344);
AT(nxt_event_engine_t, closed_conns_cnt, 1352);
AT(nxt_event_engine_t, requests_cnt, 1360);
AT(nxt_event_engine_t, link, 1368);
AT(nxt_event_engine_t, link0, 1384);
#else
TYPE(nxt_event_engine_t, 1272, 8);
AT(nxt_event_engine_t, task, 0);
AT(nxt_event_engine_t, u, 32);
AT(nxt_event_engine_t, timers, 560);
AT(nxt_event_engine_t, work_queue_cache, 616);
AT(nxt_event_engine_t, current_work_queue, 648);
AT(nxt_event_engine_t, fast_work_queue, 656);
AT(nxt_event_engine_t, accept_work_queue, 680);
AT(nxt_event_engine_t, read_work_queue, 704);
AT(nxt_event_engine_t, socket_work_queue, 728);
AT(nxt_event_engine_t, connect_work_queue, 752);
AT(nxt_event_engine_t, write_work_queue, 776);
AT(nxt_event_engine_t, shutdown_work_queue, 800);
AT(nxt_event_engine_t, close_work_queue, 824);
AT(nxt_event_engine_t, locked_work_queue, 848);
AT(nxt_event_engine_t, event, 904);
AT(nxt_event_engine_t, pipe, 1088);
AT(nxt_event_engine_t, signals, 1096);
AT(nxt_event_engine_t, fibers, 1104);
AT(nxt_event_engine_t, id, 1112);
AT(nxt_event_engine_t, shutdown, 1116);
AT(nxt_event_engine_t, batch, 1120);
AT(nxt_event_engine_t, connections, 1124);
AT(nxt_event_engine_t, max_connections, 1128);
AT(nxt_event_engine_t, port, 1136);
AT(nxt_event_engine_t, mem_pool, 1144);
AT(nxt_event_engine_t, joints, 1152);
AT(nxt_event_engine_t, listen_connections, 1168);
AT(nxt_event_engine_t, idle_connections, 1184);
AT(nxt_event_engine_t, mem_cache, 1200);
AT(nxt_event_engine_t, accepted_conns_cnt, 1208);
AT(nxt_event_engine_t, idle_conns_cnt, 1216);
AT(nxt_event_engine_t, closed_conns_cnt, 1224);
AT(nxt_event_engine_t, requests_cnt, 1232);
AT(nxt_event_engine_t, link, 1240);
AT(nxt_event_engine_t, link0, 1256);
#endif

TYPE(nxt_sig_event_t, 24, 8);
AT(nxt_sig_event_t, signo, 0);
AT(nxt_sig_event_t, handler, 8);
AT(nxt_sig_event_t, name, 16);

TYPE(nxt_event_signals_t, 160, 8);
AT(nxt_event_signals_t, handler, 0);
AT(nxt_event_signals_t, sigev, 8);
AT(nxt_event_signals_t, sigmask, 16);
AT(nxt_event_signals_t, process, 144);
AT(nxt_event_signals_t, thread, 152);

TYPE(nxt_port_handlers_t, 272, 8);
AT(nxt_port_handlers_t, rpc_ready, 0);
AT(nxt_port_handlers_t, rpc_error, 8);
AT(nxt_port_handlers_t, start_process, 16);
AT(nxt_port_handlers_t, socket, 24);
AT(nxt_port_handlers_t, socket_unlink, 32);
AT(nxt_port_handlers_t, modules, 40);
AT(nxt_port_handlers_t, conf_store, 48);
AT(nxt_port_handlers_t, cert_get, 56);
AT(nxt_port_handlers_t, cert_delete, 64);
AT(nxt_port_handlers_t, script_get, 72);
AT(nxt_port_handlers_t, script_delete, 80);
AT(nxt_port_handlers_t, access_log, 88);
AT(nxt_port_handlers_t, change_file, 96);
AT(nxt_port_handlers_t, new_port, 104);
AT(nxt_port_handlers_t, get_port, 112);
AT(nxt_port_handlers_t, port_ack, 120);
AT(nxt_port_handlers_t, mmap, 128);
AT(nxt_port_handlers_t, get_mmap, 136);
AT(nxt_port_handlers_t, process_created, 144);
AT(nxt_port_handlers_t, process_ready, 152);
AT(nxt_port_handlers_t, whoami, 160);
AT(nxt_port_handlers_t, remove_pid, 168);
AT(nxt_port_handlers_t, quit, 176);
AT(nxt_port_handlers_t, req_headers, 184);
AT(nxt_port_handlers_t, req_headers_ack, 192);
AT(nxt_port_handlers_t, req_body, 200);
AT(nxt_port_handlers_t, websocket_frame, 208);
AT(nxt_port_handlers_t, data, 216);
AT(nxt_port_handlers_t, app_restart, 224);
AT(nxt_port_handlers_t, status, 232);
AT(nxt_port_handlers_t, oosm, 240);
AT(nxt_port_handlers_t, shm_ack, 248);
AT(nxt_port_handlers_t, read_queue, 256);
AT(nxt_port_handlers_t, read_socket, 264);

TYPE(nxt_port_msg_t, 16, 4);
AT(nxt_port_msg_t, stream, 0);
AT(nxt_port_msg_t, pid, 4);
AT(nxt_port_msg_t, reply_port, 8);
AT(nxt_port_msg_t, type, 10);
AT(nxt_port_msg_t, last, 11);
AT(nxt_port_msg_t, mmap, 12);
AT(nxt_port_msg_t, nf, 13);
AT(nxt_port_msg_t, mf, 14);

TYPE(nxt_port_send_msg_t, 64, 8);
AT(nxt_port_send_msg_t, link, 0);
AT(nxt_port_send_msg_t, buf, 16);
AT(nxt_port_send_msg_t, share, 24);
AT(nxt_port_send_msg_t, fd, 32);
AT(nxt_port_send_msg_t, port_msg, 40);
AT(nxt_port_send_msg_t, close_fd, 56);
AT(nxt_port_send_msg_t, allocated, 57);

TYPE(nxt_port_recv_msg_t, 64, 8);
AT(nxt_port_recv_msg_t, fd, 0);
AT(nxt_port_recv_msg_t, buf, 8);
AT(nxt_port_recv_msg_t, port, 16);
AT(nxt_port_recv_msg_t, port_msg, 24);
AT(nxt_port_recv_msg_t, size, 40);
AT(nxt_port_recv_msg_t, cmsg_pid, 48);
AT(nxt_port_recv_msg_t, cancelled, 52);
AT(nxt_port_recv_msg_t, u, 56);

TYPE(nxt_port_t, 352, 8);
AT(nxt_port_t, socket, 0);
AT(nxt_port_t, link, 80);
AT(nxt_port_t, process, 96);
AT(nxt_port_t, app_link, 104);
AT(nxt_port_t, app, 120);
AT(nxt_port_t, main_app_port, 128);
AT(nxt_port_t, idle_link, 136);
AT(nxt_port_t, idle_start, 152);
AT(nxt_port_t, messages, 160);
AT(nxt_port_t, write_mutex, 176);
AT(nxt_port_t, max_size, 216);
AT(nxt_port_t, max_share, 220);
AT(nxt_port_t, active_websockets, 224);
AT(nxt_port_t, active_requests, 228);
AT(nxt_port_t, handler, 232);
AT(nxt_port_t, data, 240);
AT(nxt_port_t, mem_pool, 248);
AT(nxt_port_t, engine, 256);
AT(nxt_port_t, free_bufs, 264);
AT(nxt_port_t, pair, 272);
AT(nxt_port_t, id, 280);
AT(nxt_port_t, pid, 284);
AT(nxt_port_t, rpc_streams, 288);
AT(nxt_port_t, rpc_peers, 296);
AT(nxt_port_t, frags, 304);
AT(nxt_port_t, use_count, 312);
AT(nxt_port_t, type, 320);
AT(nxt_port_t, queue_fd, 324);
AT(nxt_port_t, queue, 328);
AT(nxt_port_t, socket_msg, 336);
AT(nxt_port_t, from_socket, 344);

TYPE(nxt_port_msg_new_port_t, 32, 8);
AT(nxt_port_msg_new_port_t, id, 0);
AT(nxt_port_msg_new_port_t, pid, 4);
AT(nxt_port_msg_new_port_t, max_size, 8);
AT(nxt_port_msg_new_port_t, max_share, 16);

TYPE(nxt_port_msg_get_port_t, 8, 4);
AT(nxt_port_msg_get_port_t, id, 0);
AT(nxt_port_msg_get_port_t, pid, 4);

TYPE(nxt_port_msg_get_mmap_t, 4, 4);
AT(nxt_port_msg_get_mmap_t, id, 0);

TYPE(nxt_port_data_t, 96, 8);
AT(nxt_port_data_t, buf, 0);
AT(nxt_port_data_t, new_port, 0);

TYPE(nxt_port_mmap_header_t, 5320, 8);
AT(nxt_port_mmap_header_t, id, 0);
AT(nxt_port_mmap_header_t, src_pid, 4);
AT(nxt_port_mmap_header_t, dst_pid, 8);
AT(nxt_port_mmap_header_t, sent_over, 12);
AT(nxt_port_mmap_header_t, oosm, 16);
AT(nxt_port_mmap_header_t, free_map, 24);
AT(nxt_port_mmap_header_t, free_map_padding, 104);
AT(nxt_port_mmap_header_t, free_tracking_map, 112);
AT(nxt_port_mmap_header_t, free_tracking_map_padding, 192);
AT(nxt_port_mmap_header_t, tracking, 200);

TYPE(nxt_port_mmap_handler_t, 24, 8);
AT(nxt_port_mmap_handler_t, hdr, 0);
AT(nxt_port_mmap_handler_t, use_count, 8);
AT(nxt_port_mmap_handler_t, fd, 16);

TYPE(nxt_port_mmap_t, 8, 8);
AT(nxt_port_mmap_t, mmap_handler, 0);

TYPE(nxt_port_mmap_msg_t, 12, 4);
AT(nxt_port_mmap_msg_t, mmap_id, 0);
AT(nxt_port_mmap_msg_t, chunk_id, 4);
AT(nxt_port_mmap_msg_t, size, 8);

TYPE(nxt_sendbuf_coalesce_t, 48, 8);
AT(nxt_sendbuf_coalesce_t, buf, 0);
AT(nxt_sendbuf_coalesce_t, iobuf, 8);
AT(nxt_sendbuf_coalesce_t, niov, 16);
AT(nxt_sendbuf_coalesce_t, nmax, 20);
AT(nxt_sendbuf_coalesce_t, sync, 24);
AT(nxt_sendbuf_coalesce_t, last, 25);
AT(nxt_sendbuf_coalesce_t, limit_reached, 26);
AT(nxt_sendbuf_coalesce_t, nmax_reached, 27);
AT(nxt_sendbuf_coalesce_t, size, 32);
AT(nxt_sendbuf_coalesce_t, limit, 40);

TYPE(nxt_process_init_t, 72, 8);
AT(nxt_process_init_t, name, 0);
AT(nxt_process_init_t, type, 8);
AT(nxt_process_init_t, prefork, 16);
AT(nxt_process_init_t, setup, 24);
AT(nxt_process_init_t, start, 32);
AT(nxt_process_init_t, restart, 40);
AT(nxt_process_init_t, port_handlers, 48);
AT(nxt_process_init_t, signals, 56);
AT(nxt_process_init_t, siblings, 64);

TYPE(nxt_thread_pool_t, 232, 8);
AT(nxt_thread_pool_t, ready, 0);
AT(nxt_thread_pool_t, waiting, 8);
AT(nxt_thread_pool_t, threads, 16);
AT(nxt_thread_pool_t, max_threads, 24);
AT(nxt_thread_pool_t, sem, 32);
AT(nxt_thread_pool_t, timeout, 64);
AT(nxt_thread_pool_t, work, 72);
AT(nxt_thread_pool_t, task, 112);
AT(nxt_thread_pool_t, work_queue, 144);
AT(nxt_thread_pool_t, main, 200);
AT(nxt_thread_pool_t, engine, 208);
AT(nxt_thread_pool_t, init, 216);
AT(nxt_thread_pool_t, exit, 224);

NUMBER(NXT_PORT_MSG_LAST, 256);
NUMBER(NXT_PORT_MSG_CLOSE_FD, 512);
NUMBER(NXT_PORT_MSG_SYNC, 1024);
NUMBER(NXT_PORT_MSG_MASK, 255);
NUMBER(_NXT_PORT_MSG_RPC_READY, 0);
NUMBER(_NXT_PORT_MSG_RPC_ERROR, 1);
NUMBER(_NXT_PORT_MSG_START_PROCESS, 2);
NUMBER(_NXT_PORT_MSG_SOCKET, 3);
NUMBER(_NXT_PORT_MSG_SOCKET_UNLINK, 4);
NUMBER(_NXT_PORT_MSG_MODULES, 5);
NUMBER(_NXT_PORT_MSG_CONF_STORE, 6);
NUMBER(_NXT_PORT_MSG_CERT_GET, 7);
NUMBER(_NXT_PORT_MSG_CERT_DELETE, 8);
NUMBER(_NXT_PORT_MSG_SCRIPT_GET, 9);
NUMBER(_NXT_PORT_MSG_SCRIPT_DELETE, 10);
NUMBER(_NXT_PORT_MSG_ACCESS_LOG, 11);
NUMBER(_NXT_PORT_MSG_CHANGE_FILE, 12);
NUMBER(_NXT_PORT_MSG_NEW_PORT, 13);
NUMBER(_NXT_PORT_MSG_GET_PORT, 14);
NUMBER(_NXT_PORT_MSG_PORT_ACK, 15);
NUMBER(_NXT_PORT_MSG_MMAP, 16);
NUMBER(_NXT_PORT_MSG_GET_MMAP, 17);
NUMBER(_NXT_PORT_MSG_PROCESS_CREATED, 18);
NUMBER(_NXT_PORT_MSG_PROCESS_READY, 19);
NUMBER(_NXT_PORT_MSG_WHOAMI, 20);
NUMBER(_NXT_PORT_MSG_REMOVE_PID, 21);
NUMBER(_NXT_PORT_MSG_QUIT, 22);
NUMBER(_NXT_PORT_MSG_REQ_HEADERS, 23);
NUMBER(_NXT_PORT_MSG_REQ_HEADERS_ACK, 24);
NUMBER(_NXT_PORT_MSG_REQ_BODY, 25);
NUMBER(_NXT_PORT_MSG_WEBSOCKET, 26);
NUMBER(_NXT_PORT_MSG_DATA, 27);
NUMBER(_NXT_PORT_MSG_APP_RESTART, 28);
NUMBER(_NXT_PORT_MSG_STATUS, 29);
NUMBER(_NXT_PORT_MSG_OOSM, 30);
NUMBER(_NXT_PORT_MSG_SHM_ACK, 31);
NUMBER(_NXT_PORT_MSG_READ_QUEUE, 32);
NUMBER(_NXT_PORT_MSG_READ_SOCKET, 33);
NUMBER(NXT_PORT_MSG_MAX, 34);
NUMBER(NXT_PORT_MSG_RPC_READY, 0);
NUMBER(NXT_PORT_MSG_RPC_READY_LAST, 256);
NUMBER(NXT_PORT_MSG_RPC_ERROR, 257);
NUMBER(NXT_PORT_MSG_START_PROCESS, 258);
NUMBER(NXT_PORT_MSG_SOCKET, 259);
NUMBER(NXT_PORT_MSG_SOCKET_UNLINK, 260);
NUMBER(NXT_PORT_MSG_MODULES, 261);
NUMBER(NXT_PORT_MSG_CONF_STORE, 262);
NUMBER(NXT_PORT_MSG_CERT_GET, 263);
NUMBER(NXT_PORT_MSG_CERT_DELETE, 264);
NUMBER(NXT_PORT_MSG_SCRIPT_GET, 265);
NUMBER(NXT_PORT_MSG_SCRIPT_DELETE, 266);
NUMBER(NXT_PORT_MSG_ACCESS_LOG, 267);
NUMBER(NXT_PORT_MSG_CHANGE_FILE, 268);
NUMBER(NXT_PORT_MSG_NEW_PORT, 269);
NUMBER(NXT_PORT_MSG_GET_PORT, 270);
NUMBER(NXT_PORT_MSG_PORT_ACK, 271);
NUMBER(NXT_PORT_MSG_MMAP, 1296);
NUMBER(NXT_PORT_MSG_GET_MMAP, 273);
NUMBER(NXT_PORT_MSG_PROCESS_CREATED, 274);
NUMBER(NXT_PORT_MSG_PROCESS_READY, 275);
NUMBER(NXT_PORT_MSG_WHOAMI, 276);
NUMBER(NXT_PORT_MSG_QUIT, 278);
NUMBER(NXT_PORT_MSG_REMOVE_PID, 277);
NUMBER(NXT_PORT_MSG_REQ_HEADERS, 23);
NUMBER(NXT_PORT_MSG_REQ_BODY, 25);
NUMBER(NXT_PORT_MSG_WEBSOCKET, 26);
NUMBER(NXT_PORT_MSG_WEBSOCKET_LAST, 282);
NUMBER(NXT_PORT_MSG_DATA, 27);
NUMBER(NXT_PORT_MSG_DATA_LAST, 283);
NUMBER(NXT_PORT_MSG_APP_RESTART, 284);
NUMBER(NXT_PORT_MSG_STATUS, 285);
NUMBER(NXT_PORT_MSG_OOSM, 286);
NUMBER(NXT_PORT_MSG_SHM_ACK, 287);
NUMBER(NXT_PORT_MSG_READ_QUEUE, 32);
NUMBER(NXT_PORT_MSG_READ_SOCKET, 33);
NUMBER(NXT_EVENT_INACTIVE, 0);
NUMBER(NXT_EVENT_DISABLED, 1);
NUMBER(NXT_EVENT_BLOCKED, 2);
NUMBER(NXT_EVENT_ONESHOT, 3);
NUMBER(NXT_EVENT_LEVEL, 4);
NUMBER(NXT_EVENT_DEFAULT, 5);
NUMBER(NXT_EVENT_ACTIVE, 5);
NUMBER(NXT_PORT_METHOD_ANY, 0);
NUMBER(NXT_PORT_METHOD_PLAIN, 1);
NUMBER(NXT_PORT_METHOD_MMAP, 2);

TYPE(nxt_buf_t, 96, 8);
AT(nxt_buf_t, data, 0);
AT(nxt_buf_t, completion_handler, 8);
AT(nxt_buf_t, parent, 16);
AT(nxt_buf_t, next, 24);
AT(nxt_buf_t, retain, 32);
AT(nxt_buf_t, cache_hint, 36);
AT(nxt_buf_t, mem, 40);
AT(nxt_buf_t, file, 72);
AT(nxt_buf_t, file_pos, 80);
AT(nxt_buf_t, file_end, 88);

TYPE(nxt_capabilities_t, 2, 1);
AT(nxt_capabilities_t, setid, 0);
AT(nxt_capabilities_t, chroot, 1);

TYPE(nxt_conf_json_error_t, 16, 8);
AT(nxt_conf_json_error_t, pos, 0);
AT(nxt_conf_json_error_t, detail, 8);

TYPE(nxt_conf_json_pretty_t, 8, 4);
AT(nxt_conf_json_pretty_t, level, 0);
AT(nxt_conf_json_pretty_t, more_space, 4);

TYPE(nxt_conf_map_t, 32, 8);
AT(nxt_conf_map_t, name, 0);
AT(nxt_conf_map_t, type, 16);
AT(nxt_conf_map_t, offset, 24);

TYPE(nxt_conf_map_type_t, 4, 4);

TYPE(nxt_conf_op_ret_t, 4, 4);

TYPE(nxt_conf_type_t, 4, 4);

TYPE(nxt_conf_validation_t, 64, 8);
AT(nxt_conf_validation_t, conf, 0);
AT(nxt_conf_validation_t, pool, 8);
AT(nxt_conf_validation_t, error, 16);
AT(nxt_conf_validation_t, ctx, 32);
AT(nxt_conf_validation_t, tstr_state, 40);
AT(nxt_conf_validation_t, conf_pool, 48);
AT(nxt_conf_validation_t, ver, 56);

TYPE(nxt_file_access_t, 4, 4);

TYPE(nxt_file_name_str_t, 16, 8);
AT(nxt_file_name_str_t, len, 0);
AT(nxt_file_name_str_t, start, 8);

TYPE(nxt_file_t, 40, 8);
AT(nxt_file_t, name, 0);
AT(nxt_file_t, fd, 8);
AT(nxt_file_t, error, 12);
AT(nxt_file_t, accessed, 16);
AT(nxt_file_t, type, 18);
AT(nxt_file_t, log_level, 19);
AT(nxt_file_t, mtime, 24);
AT(nxt_file_t, size, 32);

TYPE(nxt_file_type_t, 4, 4);

TYPE(nxt_hash_t, 24, 8);
AT(nxt_hash_t, lvlhsh, 0);
AT(nxt_hash_t, proto, 8);
AT(nxt_hash_t, pool, 16);

TYPE(nxt_http_chunk_parse_t, 24, 8);
AT(nxt_http_chunk_parse_t, mem_pool, 0);
AT(nxt_http_chunk_parse_t, chunk_size, 8);
AT(nxt_http_chunk_parse_t, state, 16);
AT(nxt_http_chunk_parse_t, last, 17);
AT(nxt_http_chunk_parse_t, chunk_error, 18);
AT(nxt_http_chunk_parse_t, error, 19);

TYPE(nxt_http_field_handler_t, 8, 8);

TYPE(nxt_http_field_proc_t, 32, 8);
AT(nxt_http_field_proc_t, name, 0);
AT(nxt_http_field_proc_t, handler, 16);
AT(nxt_http_field_proc_t, data, 24);

TYPE(nxt_http_field_t, 24, 8);
AT(nxt_http_field_t, hash, 0);
AT(nxt_http_field_t, name_length, 3);
AT(nxt_http_field_t, value_length, 4);
AT(nxt_http_field_t, name, 8);
AT(nxt_http_field_t, value, 16);

TYPE(nxt_http_parse_error_t, 4, 4);

TYPE(nxt_http_request_parse_t, 152, 8);
AT(nxt_http_request_parse_t, handler, 0);
AT(nxt_http_request_parse_t, method, 8);
AT(nxt_http_request_parse_t, target_start, 24);
AT(nxt_http_request_parse_t, target_end, 32);
AT(nxt_http_request_parse_t, request_line_end, 40);
AT(nxt_http_request_parse_t, path, 48);
AT(nxt_http_request_parse_t, args, 64);
AT(nxt_http_request_parse_t, version, 80);
AT(nxt_http_request_parse_t, fields, 88);
AT(nxt_http_request_parse_t, mem_pool, 96);
AT(nxt_http_request_parse_t, field_name, 104);
AT(nxt_http_request_parse_t, field_value, 120);
AT(nxt_http_request_parse_t, field_hash, 136);
AT(nxt_http_request_parse_t, skip_field, 140);
AT(nxt_http_request_parse_t, discard_unsafe_fields, 141);
AT(nxt_http_request_parse_t, complex_target, 142);
AT(nxt_http_request_parse_t, quoted_target, 143);
AT(nxt_http_request_parse_t, encoded_slashes, 144);

TYPE(nxt_http_ver_t, 8, 8);
AT(nxt_http_ver_t, str, 0);
AT(nxt_http_ver_t, ui64, 0);
AT(nxt_http_ver_t, s, 0);

TYPE(nxt_list_next_t, 16, 8);
AT(nxt_list_next_t, part, 0);
AT(nxt_list_next_t, elt, 8);

#if (NXT_DEBUG)
TYPE(nxt_job_t, 128, 8);
AT(nxt_job_t, data, 0);
AT(nxt_job_t, task, 8);
AT(nxt_job_t, abort_handler, 16);
AT(nxt_job_t, cache_size, 24);
AT(nxt_job_t, cancel, 26);
AT(nxt_job_t, mem_pool, 32);
AT(nxt_job_t, link, 40);
AT(nxt_job_t, thread_pool, 56);
AT(nxt_job_t, engine, 64);
AT(nxt_job_t, log, 72);
AT(nxt_job_t, work, 80);
AT(nxt_job_t, name, 120);
#else
TYPE(nxt_job_t, 120, 8);
AT(nxt_job_t, data, 0);
AT(nxt_job_t, task, 8);
AT(nxt_job_t, abort_handler, 16);
AT(nxt_job_t, cache_size, 24);
AT(nxt_job_t, cancel, 26);
AT(nxt_job_t, mem_pool, 32);
AT(nxt_job_t, link, 40);
AT(nxt_job_t, thread_pool, 56);
AT(nxt_job_t, engine, 64);
AT(nxt_job_t, log, 72);
AT(nxt_job_t, work, 80);
#endif

TYPE(nxt_list_part_t, 16, 8);
AT(nxt_list_part_t, next, 0);
AT(nxt_list_part_t, nelts, 8);
AT(nxt_list_part_t, data, 16);

TYPE(nxt_list_t, 40, 8);
AT(nxt_list_t, last, 0);
AT(nxt_list_t, size, 8);
AT(nxt_list_t, nalloc, 12);
AT(nxt_list_t, mem_pool, 16);
AT(nxt_list_t, part, 24);

TYPE(nxt_locked_work_queue_t, 56, 8);
AT(nxt_locked_work_queue_t, lock, 0);
AT(nxt_locked_work_queue_t, head, 8);
AT(nxt_locked_work_queue_t, tail, 16);
AT(nxt_locked_work_queue_t, cache, 24);

TYPE(nxt_log_moderation_t, 104, 8);
AT(nxt_log_moderation_t, level, 0);
AT(nxt_log_moderation_t, limit, 4);
AT(nxt_log_moderation_t, msg, 8);
AT(nxt_log_moderation_t, lock, 16);
AT(nxt_log_moderation_t, pid, 24);
AT(nxt_log_moderation_t, count, 28);
AT(nxt_log_moderation_t, last, 32);
AT(nxt_log_moderation_t, timer, 40);

TYPE(nxt_mem_proto_alloc_t, 8, 8);

TYPE(nxt_mem_proto_free_t, 8, 8);

TYPE(nxt_mem_proto_t, 16, 8);
AT(nxt_mem_proto_t, alloc, 0);
AT(nxt_mem_proto_t, free, 8);

TYPE(nxt_module_init_t, 8, 8);

TYPE(nxt_monotonic_time_t, 32, 8);
AT(nxt_monotonic_time_t, realtime, 0);
AT(nxt_monotonic_time_t, monotonic, 16);
AT(nxt_monotonic_time_t, update, 24);

TYPE(nxt_nncq_atomic_t, 4, 4);

TYPE(nxt_nncq_cycle_t, 2, 2);

TYPE(nxt_nncq_t, 65544, 4);
AT(nxt_nncq_t, head, 0);
AT(nxt_nncq_t, entries, 4);
AT(nxt_nncq_t, tail, 65540);

TYPE(nxt_nvbcq_atomic_t, 4, 4);

TYPE(nxt_nvbcq_t, 65544, 4);
AT(nxt_nvbcq_t, head, 0);
AT(nxt_nvbcq_t, entries, 4);
AT(nxt_nvbcq_t, tail, 65540);

TYPE(nxt_random_t, 264, 4);
AT(nxt_random_t, i, 0);
AT(nxt_random_t, j, 1);
AT(nxt_random_t, s, 2);
AT(nxt_random_t, count, 260);

TYPE(nxt_rbtree_compare_t, 8, 8);

TYPE(nxt_rbtree_node_t, 32, 8);
AT(nxt_rbtree_node_t, left, 0);
AT(nxt_rbtree_node_t, right, 8);
AT(nxt_rbtree_node_t, parent, 16);
AT(nxt_rbtree_node_t, color, 24);

TYPE(nxt_rbtree_part_t, 24, 8);
AT(nxt_rbtree_part_t, left, 0);
AT(nxt_rbtree_part_t, right, 8);
AT(nxt_rbtree_part_t, parent, 16);

TYPE(nxt_rbtree_t, 32, 8);
AT(nxt_rbtree_t, sentinel, 0);

TYPE(nxt_realtime_t, 16, 8);
AT(nxt_realtime_t, sec, 0);
AT(nxt_realtime_t, nsec, 8);

TYPE(nxt_runtime_cont_t, 8, 8);

TYPE(nxt_runtime_t, 544, 8);
AT(nxt_runtime_t, mem_pool, 0);
AT(nxt_runtime_t, inherited_sockets, 8);
AT(nxt_runtime_t, listen_sockets, 16);
AT(nxt_runtime_t, services, 24);
AT(nxt_runtime_t, languages, 32);
AT(nxt_runtime_t, data, 40);
AT(nxt_runtime_t, start, 48);
AT(nxt_runtime_t, hostname, 56);
AT(nxt_runtime_t, pid_file, 72);
AT(nxt_runtime_t, tls, 80);
AT(nxt_runtime_t, thread_pools, 88);
AT(nxt_runtime_t, continuation, 96);
AT(nxt_runtime_t, mprocess, 104);
AT(nxt_runtime_t, nprocesses, 112);
AT(nxt_runtime_t, processes_mutex, 120);
AT(nxt_runtime_t, processes, 160);
AT(nxt_runtime_t, port_by_type, 168);
AT(nxt_runtime_t, ports, 216);
AT(nxt_runtime_t, log_files, 224);
AT(nxt_runtime_t, last_engine_id, 232);
AT(nxt_runtime_t, type, 236);
AT(nxt_runtime_t, timer, 240);
AT(nxt_runtime_t, daemon, 304);
AT(nxt_runtime_t, batch, 305);
AT(nxt_runtime_t, status, 306);
AT(nxt_runtime_t, is_pid_isolated, 307);
AT(nxt_runtime_t, engine, 312);
AT(nxt_runtime_t, engine_connections, 320);
AT(nxt_runtime_t, auxiliary_threads, 324);
AT(nxt_runtime_t, user_cred, 328);
AT(nxt_runtime_t, capabilities, 360);
AT(nxt_runtime_t, group, 368);
AT(nxt_runtime_t, pid, 376);
AT(nxt_runtime_t, log, 384);
AT(nxt_runtime_t, modules, 392);
AT(nxt_runtime_t, state, 400);
AT(nxt_runtime_t, ver, 408);
AT(nxt_runtime_t, ver_tmp, 416);
AT(nxt_runtime_t, conf, 424);
AT(nxt_runtime_t, conf_tmp, 432);
AT(nxt_runtime_t, tmp, 440);
AT(nxt_runtime_t, control, 448);
AT(nxt_runtime_t, control_mode, 456);
AT(nxt_runtime_t, control_user, 464);
AT(nxt_runtime_t, control_group, 472);
AT(nxt_runtime_t, certs, 480);
AT(nxt_runtime_t, scripts, 496);
AT(nxt_runtime_t, engines, 512);
AT(nxt_runtime_t, controller_listen, 528);
AT(nxt_runtime_t, controller_socket, 536);

TYPE(nxt_strerror_t, 8, 8);

TYPE(nxt_thread_cond_t, 48, 8);

TYPE(nxt_thread_handle_t, 8, 8);

TYPE(nxt_thread_link_t, 56, 8);
AT(nxt_thread_link_t, start, 0);
AT(nxt_thread_link_t, engine, 8);
AT(nxt_thread_link_t, work, 16);

TYPE(nxt_thread_mutex_t, 40, 8);

TYPE(nxt_thread_spinlock_t, 8, 8);

TYPE(nxt_thread_start_t, 8, 8);

TYPE(nxt_thread_t, 560, 8);
AT(nxt_thread_t, log, 0);
AT(nxt_thread_t, main_log, 8);
AT(nxt_thread_t, task, 40);
AT(nxt_thread_t, tid, 48);
AT(nxt_thread_t, handle, 56);
AT(nxt_thread_t, link, 64);
AT(nxt_thread_t, thread_pool, 72);
AT(nxt_thread_t, time, 80);
AT(nxt_thread_t, runtime, 272);
AT(nxt_thread_t, engine, 280);
AT(nxt_thread_t, data, 288);
AT(nxt_thread_t, random, 296);

TYPE(nxt_thread_time_t, 192, 8);
AT(nxt_thread_time_t, now, 0);
AT(nxt_thread_time_t, last_gmtime, 32);
AT(nxt_thread_time_t, last_localtime, 40);
AT(nxt_thread_time_t, gmtime, 48);
AT(nxt_thread_time_t, localtime, 104);
AT(nxt_thread_time_t, no_cache, 160);
AT(nxt_thread_time_t, signal, 168);
AT(nxt_thread_time_t, nstrings, 176);
AT(nxt_thread_time_t, strings, 184);

#if (NXT_DEBUG)
TYPE(nxt_time_string_cache_t, 32, 8);
AT(nxt_time_string_cache_t, last, 0);
AT(nxt_time_string_cache_t, last_msec, 8);
AT(nxt_time_string_cache_t, string, 16);
#else
TYPE(nxt_time_string_cache_t, 24, 8);
AT(nxt_time_string_cache_t, last, 0);
AT(nxt_time_string_cache_t, string, 8);
#endif

TYPE(nxt_time_string_t, 40, 8);
AT(nxt_time_string_t, slot, 0);
AT(nxt_time_string_t, handler, 8);
AT(nxt_time_string_t, format, 16);
AT(nxt_time_string_t, size, 24);
AT(nxt_time_string_t, timezone, 32);
AT(nxt_time_string_t, msec, 33);

TYPE(nxt_timer_change_t, 16, 8);
AT(nxt_timer_change_t, time, 4);
AT(nxt_timer_change_t, timer, 8);

TYPE(nxt_timer_operation_t, 4, 4);

TYPE(nxt_timer_t, 64, 8);
AT(nxt_timer_t, node, 0);
AT(nxt_timer_t, node_color, 24);
AT(nxt_timer_t, bias, 25);
AT(nxt_timer_t, time, 28);
AT(nxt_timer_t, work_queue, 32);
AT(nxt_timer_t, handler, 40);
AT(nxt_timer_t, task, 48);
AT(nxt_timer_t, log, 56);

TYPE(nxt_timers_t, 56, 8);
AT(nxt_timers_t, tree, 0);
AT(nxt_timers_t, now, 32);
AT(nxt_timers_t, minimum, 36);
AT(nxt_timers_t, mchanges, 40);
AT(nxt_timers_t, nchanges, 44);
AT(nxt_timers_t, changes, 48);

TYPE(nxt_work_queue_cache_t, 32, 8);
AT(nxt_work_queue_cache_t, next, 0);
AT(nxt_work_queue_cache_t, spare, 8);
AT(nxt_work_queue_cache_t, chunk, 16);
AT(nxt_work_queue_cache_t, chunk_size, 24);

TYPE(nxt_work_queue_chunk_t, 48, 8);
AT(nxt_work_queue_chunk_t, next, 0);
AT(nxt_work_queue_chunk_t, work, 8);

#if (NXT_DEBUG)
TYPE(nxt_work_queue_t, 40, 8);
AT(nxt_work_queue_t, head, 0);
AT(nxt_work_queue_t, tail, 8);
AT(nxt_work_queue_t, cache, 16);
AT(nxt_work_queue_t, name, 24);
AT(nxt_work_queue_t, pid, 32);
AT(nxt_work_queue_t, tid, 36);
#else
TYPE(nxt_work_queue_t, 24, 8);
AT(nxt_work_queue_t, head, 0);
AT(nxt_work_queue_t, tail, 8);
AT(nxt_work_queue_t, cache, 16);
#endif

NUMBER(NXT_BUF_FILE_SIZE, 96);
NUMBER(NXT_BUF_MEM_SIZE, 72);
NUMBER(NXT_BUF_MMAP_SIZE, 96);
NUMBER(NXT_BUF_PORT_MMAP_SIZE, 72);
NUMBER(NXT_BUF_SYNC_FLUSH, 2);
NUMBER(NXT_BUF_SYNC_LAST, 4);
NUMBER(NXT_BUF_SYNC_NOBUF, 1);
NUMBER(NXT_BUF_SYNC_SIZE, 48);
NUMBER(NXT_CONF_ARRAY, 5);
NUMBER(NXT_CONF_BOOLEAN, 1);
NUMBER(NXT_CONF_INTEGER, 2);
NUMBER(NXT_CONF_MAP_CSTRZ, 10);
NUMBER(NXT_CONF_MAP_DOUBLE, 7);
NUMBER(NXT_CONF_MAP_INT, 3);
NUMBER(NXT_CONF_MAP_INT32, 1);
NUMBER(NXT_CONF_MAP_INT64, 2);
NUMBER(NXT_CONF_MAP_INT8, 0);
NUMBER(NXT_CONF_MAP_MSEC, 6);
NUMBER(NXT_CONF_MAP_OFF, 5);
NUMBER(NXT_CONF_MAP_PTR, 11);
NUMBER(NXT_CONF_MAP_SIZE, 4);
NUMBER(NXT_CONF_MAP_STR, 8);
NUMBER(NXT_CONF_MAP_STR_COPY, 9);
NUMBER(NXT_CONF_NULL, 0);
NUMBER(NXT_CONF_NUMBER, 3);
NUMBER(NXT_CONF_OBJECT, 6);
NUMBER(NXT_CONF_OP_ERROR, 3);
NUMBER(NXT_CONF_OP_NOT_ALLOWED, 2);
NUMBER(NXT_CONF_OP_NOT_FOUND, 1);
NUMBER(NXT_CONF_OP_OK, 0);
NUMBER(NXT_CONF_STRING, 4);
NUMBER(NXT_DJB_HASH_INIT, 5381);
NUMBER(NXT_APP_NNCQ_SIZE, 131072);
NUMBER(NXT_APP_QUEUE_MSG_SIZE, 31);
NUMBER(NXT_APP_QUEUE_SIZE, 131072);
NUMBER(NXT_DOUBLE_LEN, 309);
NUMBER(NXT_FILE_ACCESSED_LONG_AGO, 65535);
NUMBER(NXT_FILE_APPEND, 1025);
NUMBER(NXT_FILE_CREATE_OR_OPEN, 64);
NUMBER(NXT_FILE_DEFAULT_ACCESS, 420);
NUMBER(NXT_FILE_DIRECTORY, 65536);
NUMBER(NXT_FILE_INVALID, -1);
NUMBER(NXT_FILE_OPEN, 0);
NUMBER(NXT_FILE_OWNER_ACCESS, 384);
NUMBER(NXT_FILE_RDONLY, 0);
NUMBER(NXT_FILE_RDWR, 2);
NUMBER(NXT_FILE_REGULAR, 1);
NUMBER(NXT_FILE_SEARCH, 2162688);
NUMBER(NXT_FILE_SYSTEM_NAME_UTF8, 1);
NUMBER(NXT_FILE_TRUNCATE, 576);
NUMBER(NXT_FILE_UNKNOWN, 0);
NUMBER(NXT_FILE_WRONLY, 1);
NUMBER(NXT_HTTP_FIELD_HASH_INIT, 159406);
NUMBER(NXT_HTTP_PARSE_INVALID, 1);
NUMBER(NXT_HTTP_PARSE_TOO_LARGE_FIELD, 3);
NUMBER(NXT_HTTP_PARSE_UNSUPPORTED_VERSION, 2);
NUMBER(NXT_INFINITE_MSEC, 4294967295LL);
NUMBER(NXT_INFINITE_NSEC, 18446744073709551615ULL);
NUMBER(NXT_LVLHSH_MAX_MEMALIGN_SHIFT, 29);
NUMBER(NXT_LVLHSH_MEMALIGN_SHIFT, 29);
NUMBER(NXT_MAX_MEMALIGN_SHIFT, 32);
NUMBER(NXT_MEM_MAP_ANON, 32);
NUMBER(NXT_MEM_MAP_FILE, 32769);
NUMBER(NXT_MEM_MAP_PREFAULT, 32768);
NUMBER(NXT_MEM_MAP_READ, 1);
NUMBER(NXT_MEM_MAP_SHARED, 33);
NUMBER(NXT_MEM_MAP_WRITE, 2);
NUMBER(NXT_NNCQ_SIZE, 16384);
NUMBER(NXT_NVBCQ_SIZE, 16384);
NUMBER(NXT_PORT_QUEUE_MSG_SIZE, 31);
NUMBER(NXT_PORT_QUEUE_SIZE, 16384);
NUMBER(NXT_THREAD_TIME_GMT, 1);
NUMBER(NXT_THREAD_TIME_LOCAL, 0);
NUMBER(NXT_THREAD_TIME_MSEC, 1);
NUMBER(NXT_THREAD_TIME_SEC, 0);
NUMBER(NXT_TIMER_ADD, 1);
NUMBER(NXT_TIMER_DEFAULT_BIAS, 50);
NUMBER(NXT_TIMER_DELETE, 2);
NUMBER(NXT_TIMER_MAX_CHANGES, 16383);
NUMBER(NXT_TIMER_NOPE, 0);
NUMBER(NXT_TIMER_NO_CHANGE, 0);
NUMBER(NXT_UTF8_SORT_INVALID, 250482414);
NUMBER(_FILE_OFFSET_BITS, 64);

TYPE(nxt_buf_pool_t, 40, 8);
AT(nxt_buf_pool_t, current, 0);
AT(nxt_buf_pool_t, free, 8);
AT(nxt_buf_pool_t, mem_pool, 16);
AT(nxt_buf_pool_t, num, 24);
AT(nxt_buf_pool_t, max, 26);
AT(nxt_buf_pool_t, size, 28);
AT(nxt_buf_pool_t, flags, 32);
AT(nxt_buf_pool_t, destroy, 33);
AT(nxt_buf_pool_t, mmap, 34);

TYPE(nxt_listen_socket_t, 48, 8);
AT(nxt_listen_socket_t, socket, 0);
AT(nxt_listen_socket_t, backlog, 4);
AT(nxt_listen_socket_t, work_queue, 8);
AT(nxt_listen_socket_t, handler, 16);
AT(nxt_listen_socket_t, sockaddr, 24);
AT(nxt_listen_socket_t, count, 32);
AT(nxt_listen_socket_t, flags, 36);
AT(nxt_listen_socket_t, read_after_accept, 37);
AT(nxt_listen_socket_t, tls, 38);
AT(nxt_listen_socket_t, ipv6only, 39);
AT(nxt_listen_socket_t, socklen, 40);
AT(nxt_listen_socket_t, address_length, 41);

TYPE(nxt_sockaddr_t, 120, 4);
AT(nxt_sockaddr_t, type, 0);
AT(nxt_sockaddr_t, socklen, 1);
AT(nxt_sockaddr_t, start, 2);
AT(nxt_sockaddr_t, length, 3);
AT(nxt_sockaddr_t, address_start, 4);
AT(nxt_sockaddr_t, address_length, 5);
AT(nxt_sockaddr_t, port_start, 6);
AT(nxt_sockaddr_t, cache_hint, 7);
AT(nxt_sockaddr_t, u.sockaddr, 8);
AT(nxt_sockaddr_t, u.sockaddr_in, 8);
AT(nxt_sockaddr_t, u.sockaddr_in6, 8);
AT(nxt_sockaddr_t, u.sockaddr_un, 8);

NUMBER(NXT_INET6_ADDR_STR_LEN, 47);
NUMBER(NXT_INET_ADDR_STR_LEN, 21);
NUMBER(NXT_LISTEN_BACKLOG, -1);
NUMBER(NXT_NONBLOCK, 1);

TYPE(nxt_conn_state_t, 64, 8);
AT(nxt_conn_state_t, ready_handler, 0);
AT(nxt_conn_state_t, close_handler, 8);
AT(nxt_conn_state_t, error_handler, 16);
AT(nxt_conn_state_t, io_read_handler, 24);
AT(nxt_conn_state_t, timer_handler, 32);
AT(nxt_conn_state_t, timer_value, 40);
AT(nxt_conn_state_t, timer_data, 48);
AT(nxt_conn_state_t, timer_autoreset, 56);

TYPE(nxt_conn_t, 424, 8);
AT(nxt_conn_t, socket, 0);
AT(nxt_conn_t, read, 80);
AT(nxt_conn_t, read_state, 88);
AT(nxt_conn_t, read_work_queue, 96);
AT(nxt_conn_t, read_timer, 104);
AT(nxt_conn_t, write, 168);
AT(nxt_conn_t, write_state, 176);
AT(nxt_conn_t, write_work_queue, 184);
AT(nxt_conn_t, rate, 192);
AT(nxt_conn_t, write_timer, 200);
AT(nxt_conn_t, sent, 264);
AT(nxt_conn_t, max_chunk, 272);
AT(nxt_conn_t, nbytes, 276);
AT(nxt_conn_t, io, 280);
AT(nxt_conn_t, u.tls, 288);
AT(nxt_conn_t, u.thread_pool, 288);
AT(nxt_conn_t, mem_pool, 296);
AT(nxt_conn_t, task, 304);
AT(nxt_conn_t, log, 336);
AT(nxt_conn_t, listen, 368);
AT(nxt_conn_t, remote, 376);
AT(nxt_conn_t, local, 384);
AT(nxt_conn_t, action, 392);
AT(nxt_conn_t, block_read, 400);
AT(nxt_conn_t, block_write, 401);
AT(nxt_conn_t, delayed, 402);
AT(nxt_conn_t, idle, 403);
AT(nxt_conn_t, sendfile, 404);
AT(nxt_conn_t, tcp_nodelay, 405);
AT(nxt_conn_t, link, 408);

TYPE(nxt_listen_event_t, 240, 8);
AT(nxt_listen_event_t, socket, 0);
AT(nxt_listen_event_t, task, 80);
AT(nxt_listen_event_t, ready, 112);
AT(nxt_listen_event_t, batch, 116);
AT(nxt_listen_event_t, count, 120);
AT(nxt_listen_event_t, accept, 128);
AT(nxt_listen_event_t, listen, 136);
AT(nxt_listen_event_t, next, 144);
AT(nxt_listen_event_t, work_queue, 152);
AT(nxt_listen_event_t, timer, 160);
AT(nxt_listen_event_t, link, 224);

NUMBER(NXT_CONN_SENDFILE_OFF, 0);
NUMBER(NXT_CONN_SENDFILE_ON, 1);
NUMBER(NXT_CONN_SENDFILE_UNSET, 3);

int
main(void)
{
    nxt_buf_t               b;
    nxt_timer_t             timer;
    nxt_unit_field_t        field;
    nxt_websocket_header_t  header;
    unsigned char           *bytes;

    memset(&field, 0, sizeof(field));
    bytes = (unsigned char *) &field;

    field.skip = 1;
    CHECK(bytes[2] == 1);
    field.skip = 0;
    field.hopbyhop = 1;
    CHECK(bytes[2] == 2);

    memset(&b, 0, sizeof(b));
    bytes = (unsigned char *) &b;

    b.is_file = 1;
    CHECK(bytes[37] == 1);
    b.is_port_mmap_sent = 1;
    CHECK(bytes[37] == 0x81);
    b.is_ts = 1;
    CHECK(bytes[38] == 1);

    memset(&timer, 0, sizeof(timer));
    bytes = (unsigned char *) &timer;

    timer.change = 1;
    CHECK(bytes[26] == 1);
    timer.enabled = 1;
    CHECK(bytes[27] == 0x40);
    timer.queued = 1;
    CHECK(bytes[27] == 0xC0);

    memset(&header, 0, sizeof(header));
    bytes = (unsigned char *) &header;

    header.opcode = NXT_WEBSOCKET_OP_PONG;
    CHECK(bytes[0] == 0x0A);
    header.fin = 1;
    CHECK(bytes[0] == 0x8A);
    header.rsv1 = 1;
    CHECK(bytes[0] == 0xCA);
    header.rsv1 = 0;
    header.rsv2 = 1;
    CHECK(bytes[0] == 0xAA);
    header.rsv2 = 0;
    header.rsv3 = 1;
    CHECK(bytes[0] == 0x9A);
    header.payload_len = 126;
    CHECK(bytes[1] == 126);
    header.mask = 1;
    CHECK(bytes[1] == 254);

    return REPORT("layout");
}
